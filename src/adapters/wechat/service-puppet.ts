import { puppet as protocol } from "wechaty-grpc";
import { PuppetService } from "wechaty-puppet-service";

/** wechaty's watchdog resets a bot that has heard nothing for a while; our supervisor knows better. */
const WATCHDOG_S = 24 * 60 * 60;

export interface ServicePuppetOptions {
  readonly token: string;
  readonly endpoint: string;
  readonly tls:
    | { readonly caCert: string; readonly serverName?: string }
    | { readonly disable: true };
}

/** The puppet of a host that is reached by gRPC, which can tell whether the host is still there. */
export class ServicePuppet extends PuppetService {
  constructor({ token, endpoint, tls }: ServicePuppetOptions) {
    super({ token, endpoint, tls: { disable: false, ...tls }, timeoutSeconds: WATCHDOG_S });
  }

  /** Rejects when the host does not answer, or answers but sends us no events any more. */
  async probe(): Promise<void> {
    const { client, eventStream } = this.grpcManager;
    await new Promise<void>((resolve, reject) => {
      client.version(new protocol.VersionRequest(), (error: Error | null) => {
        if (error === null) resolve();
        else reject(error);
      });
    });
    // A host that was restarted answers on a new connection, and the stream of the old one is dead.
    if (eventStream === undefined || eventStream.destroyed || eventStream.readableEnded) {
      throw new Error("the event stream has ended");
    }
  }

  /** It would keep names and faces of people in a folder of the user, unencrypted. */
  protected override hookPayloadStore(): void {}
}
