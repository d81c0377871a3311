/** The primary where there is no leader lock to read (`rest`, a `file` without a leader), and after a restart. */
import { describe } from 'node:test'
import {
  accepts,
  because,
  claims,
  fact,
  initialize,
  is,
  isDown,
  leader,
  lost,
  member,
  proves,
  refuses,
  restarted,
  silent,
  standby,
  stops,
  unseen,
} from '../support/story.ts'

describe('without a lock to read', () => {
  const openA = [claims('a'), proves('a'), is('open a, dialled, live, new epoch')]

  fact('a name alone opens nobody', claims('a'), is('none, held, closed, same epoch'), because(/no member reports/))
  fact(
    'that nobody reports is said as soon as all have been heard, and not again as if it were the start',
    ...[
      claims('a'),
      because(/yet$/),
      refuses('a'),
      refuses('b'),
      because(/yet$/),
      refuses('c'),
      because(/the primary$/),
    ],
    ...[claims('b'), because(/the primary$/)],
  )
  fact('a name with full proof does', ...openA, because(/alone reports/))
  fact('a proof opens also while nobody is named', claims(null), proves('a'), is('open a, dialled, live, new epoch'))
  fact(
    'a proof against what the members say is unlocked, and says so',
    ...[claims('b'), proves('a'), is('unlocked a, dialled, live, new epoch'), because(/the members name b as leader/)],
    ...[claims('a'), is('open a, dialled, live, same epoch')],
  )
  fact(
    'another name is no order: members can be late, and can disagree',
    ...[...openA, claims('b'), is('unlocked a, dialled, live, same epoch')],
    ...[claims('a'), is('open a, dialled, live, same epoch')],
  )
  fact(
    'a proof on a higher timeline is a newer primary: the old one is fenced at once, whatever it said last',
    ...[...openA, proves('b', 2), is('unlocked b, dialled, live, new epoch')],
    ...[claims('b'), is('open b, dialled, live, same epoch'), proves('a'), is('open b, dialled, live, same epoch')],
  )
  fact(
    'nothing below the timeline that was proved last counts, whoever names it',
    ...[claims('b'), proves('b', 2), is('open b, dialled, live, new epoch')],
    ...[refuses('b'), is('none, held, closed, new epoch'), claims('a'), proves('a', 1)],
    is('none, held, closed, same epoch'),
  )
  fact(
    'two proofs on one timeline open nobody',
    ...[claims('a'), proves('a'), proves('b'), is('none, held, closed, new epoch')],
  )
  fact(
    'a planned switchover: stopping, no, and the next proof',
    ...[...openA, stops('a'), is('switching a (stopping), held, live, same epoch')],
    ...[isDown('a'), is('unreachable a, held, live, same epoch')],
    ...[refuses('a'), is('none, held, closed, new epoch')],
    ...[claims('b'), proves('b', 2), is('open b, dialled, live, new epoch')],
  )
  fact('an explicit no ends it', ...openA, refuses('a'), is('none, held, closed, new epoch'))
  fact(
    'silence ends it only after several questions',
    ...[...openA, ...silent('a', 2), is('open a, dialled, live, same epoch')],
    ...[...silent('a'), is('none, held, closed, new epoch')],
  )
  fact('when no member reports the cluster, proof goes on', ...openA, lost, is('unlocked a, dialled, live, same epoch'))
  fact(
    'a standby cluster is a claim, too: a proof shows that it is none',
    ...[claims('a'), standby(true), is('none, held, closed, same epoch')],
    ...[proves('a'), is('open a, dialled, live, new epoch'), standby(false), is('open a, dialled, live, same epoch')],
  )
  fact(
    'another cluster has to be proved anew',
    ...openA,
    initialize('Y'),
    is('switching a (asked-again), held, live, same epoch'),
  )
})

describe('after a restart with what was kept', () => {
  const kept = [leader('a'), proves('a', 3), restarted(3)]

  fact('nobody is open before the DCS was asked', ...kept, proves('a', 3), is('none, held, closed, same epoch'))
  fact(
    'while the DCS is down the proof of one member is enough, as soon as the loss is known',
    ...[
      ...kept,
      lost,
      is('none, held, closed, same epoch'),
      proves('a', 3),
      is('unlocked a, dialled, live, new epoch'),
    ],
  )
  fact(
    'a proof that came first counts, once the loss is known',
    ...[...kept, proves('a', 3), lost, is('unlocked a, dialled, live, new epoch')],
  )
  fact(
    'an old primary that has come back is not believed below the timeline that was kept',
    ...[...kept, lost, proves('b', 2), is('none, held, closed, same epoch')],
    because(
      /b reports that it is the primary on timeline 2, but timeline 3 was seen before: .* without its state_dir file/,
    ),
    ...[proves('b', 4), is('unlocked b, dialled, live, new epoch')],
  )
  fact(
    'the DCS that comes back decides: the same name goes on after its proof, another is a new epoch',
    ...[...kept, lost, proves('a', 3), is('unlocked a, dialled, live, new epoch')],
    ...[unseen('b'), member('b', { timeline: 4 }), is('unconfirmed b, held, closed, new epoch')],
  )
  fact(
    'the same leader keeps its sessions when the DCS comes back',
    ...[...kept, lost, proves('a', 3), is('unlocked a, dialled, live, new epoch'), leader('a')],
    ...[
      is('switching a (asked-again), held, live, same epoch'),
      proves('a', 3),
      is('open a, dialled, live, same epoch'),
    ],
  )
  fact(
    'a standby cluster stays one',
    leader('a'),
    standby(true),
    restarted(1),
    lost,
    proves('a'),
    is('none, held, closed, same epoch'),
  )
  fact(
    'Postgres that is down is not opened by a proof',
    ...kept,
    lost,
    isDown('a'),
    proves('a', 3),
    is('unreachable a, held, live, new epoch'),
    accepts('a'),
    is('unlocked a, dialled, live, same epoch'),
  )
})
