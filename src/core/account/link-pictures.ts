/** Pictures that enter a link code when somebody scans them with another app. */
export interface LinkPictures {
  /** The platform in which a scan enters the code. */
  readonly platform: string;
  /**
   * The address of a picture for this code, in normal form, good for `lifeMs`. `null` when there is
   * none to be had at the moment; never throws.
   */
  create(code: string, lifeMs: number): Promise<string | null>;
}
