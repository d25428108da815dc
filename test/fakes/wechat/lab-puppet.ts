import { randomUUID } from "node:crypto";
import { FileBox, type FileBoxInterface } from "file-box";
import * as PUPPET from "wechaty-puppet";
import { PuppetMock } from "wechaty-puppet-mock";

export const BOT_ID = "bot-account";
export const BOT_NAME = "Dianka";

/** Something a person sends. */
export interface HeardMessage {
  readonly from: string;
  readonly id?: string;
  readonly room?: string;
  readonly type?: keyof typeof PUPPET.types.Message;
  readonly text?: string;
  readonly mentions?: readonly string[];
  readonly file?: { readonly name: string; readonly base64: string };
}

/** Something the bot sent. */
export interface LabMessage {
  readonly id: string;
  readonly to: string;
  readonly text: string;
  readonly mentions: readonly string[];
  readonly file: { readonly name: string; readonly content: string } | null;
}

/**
 * wechaty's puppet for tests without its gaps: sends tell their id and come back as events, recalls
 * are heard, friendships and invitations have a payload, and the next send can be made to fail.
 */
export class LabPuppet extends PuppetMock {
  readonly sent: LabMessage[] = [];
  readonly accepted: string[] = [];
  readonly #friendships = new Map<string, PUPPET.payloads.Friendship>();
  readonly #invitations = new Map<string, PUPPET.payloads.RoomInvitation>();
  /** Thrown by the next send. */
  failure: Error | null = null;
  /** `false`: it stays at the code that has to be scanned. */
  logsIn = true;
  onSent: (message: LabMessage) => void = () => {};

  override async onStart(): Promise<void> {
    await super.onStart();
    this.addPerson(BOT_ID, BOT_NAME);
    if (this.logsIn) setImmediate(() => this.isLoggedIn || this.login(BOT_ID));
  }

  addPerson(id: string, name: string, more: Partial<PUPPET.payloads.Contact> = {}): void {
    if (!this.mocker.cacheContactPayload.has(id)) this.mocker.createContact({ id, name, ...more });
  }

  /** The id has to contain "@", as those of groups do. */
  addRoom(id: string, memberIdList: string[]): void {
    this.mocker.createRoom({ id, topic: "lab", memberIdList: [BOT_ID, ...memberIdList] });
  }

  /** Returns the id of the message. */
  hear({ from, room, text, mentions, file, ...more }: HeardMessage): string {
    const id = more.id ?? randomUUID();
    const place = room === undefined ? { listenerId: BOT_ID } : { roomId: room };
    this.mocker.cacheMessagePayload.set(id, {
      id,
      talkerId: from,
      timestamp: Date.now(),
      type: PUPPET.types.Message[more.type ?? "Text"],
      text: text ?? "",
      ...place,
      ...(mentions !== undefined && { mentionIdList: [...mentions] }),
      ...(file !== undefined && { filename: file.name }),
    } as PUPPET.payloads.Message);
    if (file !== undefined) {
      const box = FileBox.fromBase64(file.base64, file.name);
      this.mocker.cacheFileBoxPayload.set(id, box.toJSON());
    }
    this.emit("message", { messageId: id });
    return id;
  }

  askForFriendship(id: string, contactId: string, hello: string): void {
    const common = { id, contactId, hello, timestamp: Date.now() };
    const type = PUPPET.types.Friendship.Receive;
    this.#friendships.set(id, { ...common, ticket: "ticket", type });
    this.emit("friendship", { friendshipId: id });
  }

  invite(id: string, inviterId: string): void {
    const common = { id, inviterId, topic: "lab", avatar: "", invitation: "", memberCount: 2 };
    const rest = { memberIdList: [inviterId], timestamp: Date.now(), receiverId: BOT_ID };
    this.#invitations.set(id, { ...common, ...rest });
    this.emit("room-invite", { roomInvitationId: id });
  }

  // The mock's own type says that nothing comes back; wechaty's says that an id may.
  override async messageSendText(to: string, text: string, mentions: string[] = []): Promise<void> {
    return this.#send({ to, text, mentions, file: null }) as unknown as undefined;
  }

  override async messageSendFile(to: string, box: FileBoxInterface): Promise<void> {
    const file = { name: box.name, content: (await box.toBuffer()).toString() };
    return this.#send({ to, text: "", mentions: [], file }) as unknown as undefined;
  }

  override async messageRecall(messageId: string): Promise<boolean> {
    const payload = this.mocker.cacheMessagePayload.get(messageId);
    if (payload === undefined) return false;
    this.hear({ from: payload.talkerId, type: "Recalled", text: messageId });
    return true;
  }

  override async friendshipRawPayload(id: string): Promise<PUPPET.payloads.Friendship> {
    return known(this.#friendships, id);
  }

  override async friendshipAccept(id: string): Promise<void> {
    const { contactId } = known(this.#friendships, id);
    this.accepted.push(id);
    const confirmed = { id: `${id}-confirmed`, contactId, timestamp: Date.now() };
    const type = PUPPET.types.Friendship.Confirm;
    this.#friendships.set(confirmed.id, { ...confirmed, type });
    this.emit("friendship", { friendshipId: confirmed.id });
  }

  override async roomInvitationRawPayload(id: string): Promise<PUPPET.payloads.RoomInvitation> {
    return known(this.#invitations, id);
  }

  override async roomInvitationAccept(id: string): Promise<void> {
    known(this.#invitations, id);
    this.accepted.push(id);
  }

  override async roomAdd(roomId: string, contactId: string): Promise<void> {
    this.mocker.cacheRoomPayload.get(roomId)?.memberIdList.push(contactId);
    const change = { roomId, inviterId: BOT_ID, timestamp: Date.now() };
    this.emit("room-join", { ...change, inviteeIdList: [contactId] });
  }

  #send(content: Omit<LabMessage, "id">): string {
    const { failure } = this;
    this.failure = null;
    if (failure !== null) throw failure;
    if (!this.isLoggedIn) throw new Error("not logged in");
    const message = { id: randomUUID(), ...content };
    this.sent.push(message);
    this.onSent(message);
    const room = content.to.includes("@") ? { room: content.to } : {};
    // What we send comes back as if it were heard.
    this.hear({ id: message.id, from: BOT_ID, text: content.text, ...room });
    return message.id;
  }
}

function known<T>(payloads: ReadonlyMap<string, T>, id: string): T {
  const payload = payloads.get(id);
  if (payload === undefined) throw new Error(`no payload found for id ${id}`);
  return payload;
}
