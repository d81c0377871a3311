// The members of many clusters, in a process of their own: `node bench/clusters/members.ts CLUSTERS MEMBERS`, with IPC.
import { FakeMember } from '../../test/integration/watcher/fake-member.ts'
import { memberOf, scopeOf } from './scope.ts'

/** The message to the process: the member that leads a cluster from now on. */
export interface Lead {
  readonly cluster: number
  readonly member: number
  readonly timeline: number
}

/** The first message of the process: the keys of all members. */
export type Keys = readonly (readonly { readonly name: string; readonly key: string }[])[]

const [clusters = 0, size = 0] = process.argv.slice(2).map(Number)
const all: FakeMember[][] = []
for (let cluster = 0; cluster < clusters; cluster++) {
  const members: FakeMember[] = []
  for (let index = 0; index < size; index++) {
    const member = await FakeMember.start(memberOf(cluster, index), index === 0 ? 'primary' : 'replica')
    member.scope = scopeOf(cluster)
    members.push(member)
  }
  all.push(members)
}
process.send?.(all.map((members) => members.map((member) => ({ name: member.name, key: member.key() }))))
process.on('message', ({ cluster, member: leader, timeline }: Lead) => {
  for (const [index, member] of (all[cluster] ?? []).entries()) {
    member.mode = index === leader ? 'primary' : 'replica'
    if (index === leader) member.timeline = timeline
  }
  process.send?.('done')
})
process.once('disconnect', () => process.exit())
