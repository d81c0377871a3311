import { consul } from './consul/kind.ts'
import { etcd } from './etcd/kind.ts'
import { etcd3 } from './etcd3/kind.ts'
import { exhibitor } from './exhibitor/kind.ts'
import { file } from './file/kind.ts'
import type { DcsKind } from './kind.ts'
import { kubernetes } from './kubernetes/kind.ts'
import { raft } from './raft/kind.ts'
import { rest } from './rest/kind.ts'
import { zookeeper } from './zookeeper/kind.ts'

/** The kinds of DCS that the router has. */
export const DCS_KINDS: readonly DcsKind[] = [etcd3, etcd, consul, zookeeper, exhibitor, kubernetes, raft, rest, file]
