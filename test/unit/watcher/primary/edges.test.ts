/** What Patroni does at its edges, by their numbers in docs/patroni.md. */
import { describe } from 'node:test'
import { SWITCHOVER_HOLD_MS } from '../../../../src/watcher/primary/decide.ts'
import {
  accepts,
  again,
  deleted,
  fact,
  failover,
  failoverCleared,
  FALL,
  forgotten,
  is,
  isDown,
  leader,
  lost,
  member,
  openA,
  passes,
  paused,
  proves,
  refuses,
  restored,
  silent,
  standby,
  stops,
} from '../support/story.ts'

describe('the edges of Patroni', () => {
  fact('1: the lock comes before the promotion, and clients after the proof', leader('b'), refuses('b'), refuses('b'), [
    is('unconfirmed b, held, closed, same epoch'),
    proves('b', 2),
    is('open b, dialled, live, new epoch'),
  ])
  fact(
    '1: a leader that gives up its promotion was never open',
    leader('b'),
    refuses('b'),
    leader('c'),
    proves('c', 2),
    [is('open c, dialled, live, new epoch')],
  )
  // Whether a body is a proof is judged by proof.ts; without a live position it comes here as a no.
  fact('2: a remembered role is no proof', openA, refuses('a'), is('unconfirmed a, held, closed, new epoch'))
  fact('3: what the member key says of its timeline or role opens nobody', leader('a'), member('a', { timeline: 9 }), [
    is('unconfirmed a, held, closed, same epoch'),
    deleted,
    is('none, held, closed, same epoch'),
  ])
  fact('4: a switchover that is scheduled for tomorrow holds nobody until then', openA, [
    failover({ leader: 'a', member: 'b', in: 86_400_000 }),
    is('open a, dialled, live, same epoch'),
    passes(86_399_999),
    is('open a, dialled, live, same epoch'),
    passes(1),
    is('switching a (failover-key), held, live, same epoch'),
    passes(SWITCHOVER_HOLD_MS),
    is('open a, dialled, live, same epoch'),
  ])
  fact('4: a scheduled switchover that is taken back holds nobody', openA, failover({ member: 'b', in: 5000 }), [
    failoverCleared,
    passes(10_000),
    is('open a, dialled, live, same epoch'),
  ])
  fact('4: a scheduled switchover may be moved, and may give way to one that is to be now', openA, [
    failover({ member: 'b', in: 5000 }),
    failover({ member: 'b', in: 60_000 }),
    passes(10_000),
    is('open a, dialled, live, same epoch'),
    failover({ member: 'b' }),
    is('switching a (failover-key), held, live, same epoch'),
  ])
  fact('4: a request for now may give way to one that is scheduled', openA, failover({ member: 'b' }), [
    passes(1000),
    failover({ member: 'b', in: 5000 }),
    is('open a, dialled, live, same epoch'),
    passes(5000),
    is('switching a (failover-key), held, live, same epoch'),
  ])
  fact('4: a failover key that names another leader holds nobody', openA, failover({ leader: 'c', member: 'b' }), [
    is('open a, dialled, live, same epoch'),
  ])
  fact('4: a failover key that names the leader itself as candidate holds nobody', openA, failover({ member: 'a' }), [
    is('open a, dialled, live, same epoch'),
  ])
  fact('4: an empty failover key holds nobody', openA, failover({}), is('open a, dialled, live, same epoch'))
  fact(
    '4: in pause only a request with a candidate and without a time holds',
    openA,
    paused,
    failover({ leader: 'a' }),
    [
      is('open a, dialled, live, same epoch'),
      failover({ leader: 'a', member: 'b', in: 0 }),
      passes(1),
      is('open a, dialled, live, same epoch'),
      failover({ leader: 'a', member: 'b' }),
      is('switching a (failover-key), held, live, same epoch'),
    ],
  )
  fact('4: a primary that stays writable through a long CHECKPOINT is served again after 2 s', openA, [
    failover({ leader: 'a', member: 'b' }),
    passes(SWITCHOVER_HOLD_MS),
    proves('a'),
    is('open a, dialled, live, same epoch'),
    stops('a'),
    is('switching a (stopping), held, live, same epoch'),
  ])
  fact(
    '5: stopping Patroni hangs its REST API, and the startup probe sees Postgres end',
    openA,
    silent('a'),
    [
      is('open a, dialled, live, same epoch'),
      isDown('a'),
      is('unreachable a, held, live, same epoch'),
      deleted,
      is('switching a (asked-again), held, live, same epoch'),
      silent('a'),
      is('none, held, closed, new epoch'),
      leader('b'),
      proves('b', 2),
      is('open b, dialled, live, new epoch'),
    ].flat(),
  )
  fact('6: a bare DELETE holds new clients and guesses nobody', openA, deleted, [
    is('switching a (asked-again), held, live, same epoch'),
    refuses('a'),
    is('none, held, closed, new epoch'),
  ])
  // That the last address of a member is kept while sessions are open is the watcher's; it goes on naming it here.
  fact(
    '7: dials are refused long before the keys of a crashed leader go',
    openA,
    isDown('a'),
    silent('a', 8),
    deleted,
    is('none, held, closed, new epoch'),
  )
  fact('7: a leader whose member is not known any more is waited for', openA, forgotten('a'), [
    is('unconfirmed a, held, closed, new epoch'),
    member('a', { address: 'a:5432' }),
    is('unconfirmed a, held, closed, same epoch'),
    proves('a'),
    is('open a, dialled, live, new epoch'),
  ])
  fact('7: sessions end with an unlocked member that is not known any more', deleted, proves('a'), forgotten('a'), [
    is('none, held, closed, new epoch'),
  ])
  fact('8: a leader that is cut off says no while its key lives on', openA, isDown('a'), accepts('a'), refuses('a'), [
    is('unconfirmed a, held, closed, new epoch'),
    accepts('a'),
    is('unconfirmed a, held, closed, same epoch'),
    leader('b'),
    proves('b', 2),
    is('open b, dialled, live, new epoch'),
  ])
  fact(
    '8: a Postgres that comes back with a silent REST API may be read-only',
    openA,
    isDown('a'),
    accepts('a'),
    [silent('a', 20), is('unreachable a, held, live, same epoch')].flat(),
  )
  fact('9: the sessions of a frozen leader end when another name takes the key', openA, silent('a', 9), leader('b'), [
    is('unconfirmed b, held, closed, new epoch'),
  ])
  fact('9: and already with its own key, when it has been silent for long', openA, silent('a', FALL), deleted, [
    is('none, held, closed, new epoch'),
  ])
  fact('9: one question that was not answered is not long', openA, silent('a', FALL - 1), deleted, [
    is('switching a (asked-again), held, live, same epoch'),
    leader('b'),
    is('unconfirmed b, held, closed, new epoch'),
  ])
  fact('9: silence says nothing while the DCS is lost for less than `fall` questions', openA, silent('a', 1), lost, [
    is('unlocked a, dialled, live, same epoch'),
  ])
  fact('10: a lease change, which puts the same name again, is nothing', openA, again, again, [
    is('open a, dialled, live, same epoch'),
  ])
  fact(
    '10: a delete and a put of the same name keeps the sessions of a healthy leader',
    openA,
    deleted,
    leader('a/2'),
    [is('switching a (asked-again), held, live, same epoch'), proves('a'), is('open a, dialled, live, same epoch')],
  )
  fact('10: the same name is another thing after `standby_cluster` was added', openA, standby(true), proves('a'), [
    is('none, held, closed, new epoch'),
  ])
  fact('11: in pause a leader that keeps running without the key is served', openA, paused, deleted, proves('a'), [
    is('unlocked a, dialled, live, same epoch'),
  ])
  fact('11: of parallel primaries none is guessed', paused, deleted, proves('a'), proves('b'), [
    is('none, held, closed, new epoch'),
  ])
  fact('12: the leader of a standby cluster is not served', standby(true), leader('a'), refuses('a'), proves('a'), [
    is('none, held, closed, same epoch'),
  ])
  fact('13: without failsafe mode the primary ends with its explicit no', openA, lost, passes(5000), refuses('a'), [
    is('none, held, closed, new epoch'),
  ])
  // Members are known from the `failsafe` key then: the watcher's.
  fact('13: in failsafe mode the one member with proof is served without a leader key', deleted, proves('a'), [
    is('unlocked a, dialled, live, new epoch'),
    lost,
    is('unlocked a, dialled, live, same epoch'),
  ])
  fact(
    '14: a newer name wins over a /primary that says 200 for too long',
    openA,
    leader('b'),
    proves('a'),
    proves('a'),
    [is('unconfirmed b, held, closed, new epoch')],
  )
  // Older revisions of a stale etcd node are ignored by the DCS part; here it is lost, or restored.
  fact('15: behind a stale etcd node the members are asked', openA, lost, refuses('a'), proves('b', 2), [
    is('unlocked b, dialled, live, new epoch'),
  ])
  fact('15: a restored etcd that names the old leader does not open it', openA, leader('b'), proves('b', 2), restored, [
    leader('a'),
    refuses('a'),
    is('unconfirmed a, held, closed, new epoch'),
  ])
  // Replicas have checks of their own (fitness.ts): whatever is known of them, the primary does not change.
  fact(
    '16: dead replicas change nothing for the primary',
    openA,
    silent('b', 9),
    isDown('b'),
    refuses('c'),
    [forgotten('c'), is('open a, dialled, live, same epoch')].flat(),
  )
  fact('17: a REST API out of reach is unverified, whatever Postgres does', leader('a'), silent('a'), accepts('a'), [
    is('unverified a, held, closed, same epoch'),
  ])
  // Nothing here reads /cluster: the observations of members and of the DCS are all there is, and order within the
  // members' map does not matter.
  fact('18: the order in which members are listed decides nothing', openA, forgotten('a'), leader('b'), [
    member('a', { address: 'a:5432' }),
    deleted,
    proves('a', 2),
    proves('b', 1),
    is('unlocked a, dialled, live, new epoch'),
  ])
})
