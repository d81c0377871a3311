/** ZooKeeper's protocol, as far as a reader needs it (zookeeper.jute; ZooDefs.java; KeeperException.java). Pure. */
import { RouterError } from '../../../errors.ts'
import { type JuteReader, JuteWriter } from './jute.ts'

/** The numbers of requests (ZooDefs.OpCode). */
export const OP = {
  exists: 3,
  getData: 4,
  sync: 9,
  ping: 11,
  getChildren2: 12,
  auth: 100,
  addWatch: 106,
  closeSession: -11,
} as const

/** Packets with these are answers to no request of their own number. */
export const XID = { notification: -1, ping: -2, auth: -4 } as const

/** Of addWatch: of a node and all below it, for good (AddWatchMode.PERSISTENT_RECURSIVE). */
const PERSISTENT_RECURSIVE = 1

const OK = 0
/** A server without addWatch answers the one or, where its `watchManagerName` has no such watches, the other. */
export const WITHOUT_ADD_WATCH: readonly number[] = [-5, -6]
export const NO_NODE = -101
export const NO_AUTH = -102
export const SESSION_EXPIRED = -112
export const AUTH_FAILED = -115

/** The error of an answer. */
export class ZooKeeperError extends RouterError {
  readonly reason: number
  /** The node that the request was about; null: none. */
  readonly path: string | null

  constructor(reason: number, path: string | null) {
    super('DCS_UNAVAILABLE', `it answers ${NAMES.get(reason) ?? `error ${reason}`}`)
    this.reason = reason
    this.path = path
  }
}

const NAMES: ReadonlyMap<number, string> = new Map([
  [-2, 'DATAINCONSISTENCY'],
  [-4, 'CONNECTIONLOSS'],
  [-5, 'MARSHALLINGERROR'],
  [-6, 'UNIMPLEMENTED'],
  [-7, 'OPERATIONTIMEOUT'],
  [-8, 'BADARGUMENTS'],
  [NO_NODE, 'NONODE'],
  [NO_AUTH, 'NOAUTH'],
  [SESSION_EXPIRED, 'SESSIONEXPIRED'],
  [AUTH_FAILED, 'AUTHFAILED'],
  [-118, 'SESSIONMOVED'],
  [-124, 'SESSIONCLOSEDREQUIRESASLAUTH'],
  [-127, 'THROTTLEDOP'],
])

/** What is used of a node's Stat. Numbers of transactions: an epoch of the ensemble in the upper half. */
export interface Stat {
  /** The transaction that has created the node, and the one that has changed its data last. */
  readonly czxid: number
  readonly mzxid: number
  readonly numChildren: number
}

export interface ReplyHeader {
  readonly xid: number
  /** The last transaction that the server has applied; negative: not given. */
  readonly zxid: number
  readonly error: number
}

/** A change that a watch reports. */
export interface Notification {
  readonly type: 'created' | 'deleted' | 'changed' | 'children' | 'other'
  readonly path: string
}

export interface Session {
  /** Milliseconds; 0: the session was not made. */
  readonly timeoutMs: number
}

/** Returns the first packet of a connection: the request of a new session. */
export function connectRequest(timeoutMs: number): Buffer {
  const noPassword = Buffer.alloc(16)
  return new JuteWriter().int(0).long(0n).int(timeoutMs).long(0n).buffer(noPassword).boolean(false).packet()
}

/** Reads the answer to that. */
export function readConnectResponse(reader: JuteReader): Session {
  reader.int()
  return { timeoutMs: reader.int() }
}

/** Returns a packet without a body: ping and closeSession. */
export function plainRequest(xid: number, op: number): Buffer {
  return new JuteWriter().int(xid).int(op).packet()
}

/** Returns the packet of an auth: `digest` with `user:password`. */
export function authRequest(scheme: string, credential: string): Buffer {
  return new JuteWriter().int(XID.auth).int(OP.auth).int(0).text(scheme).text(credential).packet()
}

/** Returns the packet that syncs the server with the leader of the ensemble. */
export function syncRequest(xid: number, path: string): Buffer {
  return new JuteWriter().int(xid).int(OP.sync).text(path).packet()
}

/** Returns the packet of exists, getData and getChildren2; `watch`: report the next change, once. */
export function readRequest(xid: number, op: number, path: string, watch: boolean): Buffer {
  return new JuteWriter().int(xid).int(op).text(path).boolean(watch).packet()
}

/** Returns the packet that watches a node and all below it, whether it is there or not (server 3.6). */
export function addWatchRequest(xid: number, path: string): Buffer {
  return new JuteWriter().int(xid).int(OP.addWatch).text(path).int(PERSISTENT_RECURSIVE).packet()
}

export function readReplyHeader(reader: JuteReader): ReplyHeader {
  return { xid: reader.int(), zxid: Number(reader.long()), error: reader.int() }
}

/** @throws ZooKeeperError unless it is an answer without an error. */
export function checkReply({ error }: ReplyHeader, path: string | null): void {
  if (error !== OK) throw new ZooKeeperError(error, path)
}

export function readNotification(reader: JuteReader): Notification {
  const type = TYPES[reader.int()] ?? 'other'
  // The state of the session.
  reader.int()
  return { type, path: reader.text() }
}

/** Watcher.Event.EventType, by number. */
const TYPES = [null, 'created', 'deleted', 'changed', 'children'] as const

export function readData(reader: JuteReader): { readonly data: Buffer; readonly stat: Stat } {
  return { data: reader.buffer(), stat: readStat(reader) }
}

export function readChildren(reader: JuteReader): readonly string[] {
  return reader.list(() => reader.text())
}

function readStat(reader: JuteReader): Stat {
  const [czxid, mzxid] = [Number(reader.long()), Number(reader.long())]
  // ctime, mtime; version, cversion, aversion; ephemeralOwner; dataLength.
  for (let n = 0; n < 2; n++) reader.long()
  for (let n = 0; n < 3; n++) reader.int()
  reader.long()
  reader.int()
  return { czxid, mzxid, numChildren: reader.int() }
}
