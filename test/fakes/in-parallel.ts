/**
 * Does `count` pieces of work with so many clients at once. Each client asks again when it has its
 * answer, so nobody waits for a connection until the pool gives up.
 */
export async function inParallel<Result>(
  count: number,
  clients: number,
  work: (index: number) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = new Array(count);
  let next = 0;
  const client = async () => {
    for (let index = next++; index < count; index = next++) results[index] = await work(index);
  };
  await Promise.all(Array.from({ length: Math.min(clients, count) }, client));
  return results;
}
