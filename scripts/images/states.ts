/** The states of the primary, and the transitions between them that a reader of the log meets. */
import type { PrimaryState } from '../../src/config/config.ts'
import { arrow, box, type Point, svg, type Tone, words, zone } from './svg.ts'

const WIDTH = 900
const HEIGHT = 494
const BOX_HEIGHT = 62

interface DrawnState {
  readonly state: PrimaryState
  readonly x: number
  readonly y: number
  readonly width: number
  readonly tone: Tone
  readonly lines: readonly string[]
}

/** Every state, and where it stands. */
export const STATES: readonly DrawnState[] = [
  { state: 'none', x: 32, y: 222, width: 124, tone: 'plain', lines: ['no member holds', 'the leader lock'] },
  { state: 'unverified', x: 280, y: 96, width: 156, tone: 'plain', lines: ['the REST API of the', 'leader is silent'] },
  {
    state: 'unconfirmed',
    x: 280,
    y: 222,
    width: 156,
    tone: 'plain',
    lines: ['the leader is checked,', 'or is not the primary'],
  },
  { state: 'promoting', x: 280, y: 348, width: 156, tone: 'plain', lines: ['the leader is', 'being promoted'] },
  { state: 'open', x: 524, y: 222, width: 124, tone: 'good', lines: ['the leader is', 'confirmed'] },
  { state: 'switching', x: 740, y: 96, width: 132, tone: 'wait', lines: ['a switchover is', 'under way'] },
  { state: 'unreachable', x: 740, y: 222, width: 132, tone: 'wait', lines: ['its PostgreSQL', 'does not answer'] },
  { state: 'unlocked', x: 740, y: 348, width: 132, tone: 'good', lines: ['no lock or no etcd,', 'still confirmed'] },
]

interface Transition {
  readonly from: readonly PrimaryState[]
  readonly to: readonly PrimaryState[]
  readonly points: readonly Point[]
  readonly label: readonly string[]
  /** The base line of the first line of the label. */
  readonly at: Point
  readonly anchor?: 'start' | 'middle' | 'end'
}

/** The arrows. */
const TRANSITIONS: readonly Transition[] = [
  {
    ...{ from: ['none'], to: ['unconfirmed'], label: ['a member', 'takes the lock'], at: [218, 219], anchor: 'middle' },
    points: [
      [156, 243],
      [280, 243],
    ],
  },
  {
    ...{ from: ['unconfirmed'], to: ['none'], label: ['the lock is gone'], at: [218, 282], anchor: 'middle' },
    points: [
      [280, 263],
      [156, 263],
    ],
  },
  {
    ...{ from: ['unconfirmed'], to: ['unverified'], label: ['it never answers'], at: [350, 194], anchor: 'end' },
    points: [
      [358, 222],
      [358, 158],
    ],
  },
  {
    ...{ from: ['unconfirmed'], to: ['promoting'], label: ['it reports a promotion'], at: [350, 320], anchor: 'end' },
    points: [
      [358, 284],
      [358, 348],
    ],
  },
  {
    ...{ from: ['unconfirmed'], to: ['open'], label: ['confirmed'], at: [480, 245], anchor: 'middle' },
    points: [
      [436, 253],
      [524, 253],
    ],
  },
  {
    ...{ from: ['unverified'], to: ['open'], label: ['confirmed'], at: [480, 119], anchor: 'middle' },
    points: [
      [436, 127],
      [542, 127],
      [542, 222],
    ],
  },
  {
    ...{ from: ['promoting'], to: ['open'], label: ['confirmed'], at: [480, 371], anchor: 'middle' },
    points: [
      [436, 379],
      [542, 379],
      [542, 284],
    ],
  },
  {
    ...{ from: ['open'], to: ['switching'], label: ['a switchover begins'], at: [580, 107] },
    points: [
      [572, 222],
      [572, 115],
      [740, 115],
    ],
  },
  {
    ...{ from: ['switching'], to: ['open'], label: ['not carried out'], at: [626, 160] },
    points: [
      [740, 142],
      [618, 142],
      [618, 222],
    ],
  },
  {
    ...{ from: ['open'], to: ['unreachable'], label: ['refuses'], at: [694, 235], anchor: 'middle' },
    points: [
      [648, 243],
      [740, 243],
    ],
  },
  {
    ...{ from: ['unreachable'], to: ['open'], label: ['accepts'], at: [694, 281], anchor: 'middle' },
    points: [
      [740, 263],
      [648, 263],
    ],
  },
  {
    ...{ from: ['unlocked'], to: ['open'], label: ['the lock is back'], at: [626, 356] },
    points: [
      [740, 364],
      [618, 364],
      [618, 284],
    ],
  },
  {
    ...{ from: ['open'], to: ['unlocked'], label: ['lock or etcd is lost'], at: [580, 410] },
    points: [
      [572, 284],
      [572, 391],
      [740, 391],
    ],
  },
  {
    from: ['open', 'switching', 'unreachable', 'unlocked'],
    to: ['none', 'unconfirmed'],
    label: ['another member takes the lock, or nothing confirms the primary any more: every session is closed'],
    at: [462, 478],
    anchor: 'middle',
    points: [
      [690, 430],
      [690, 458],
      [234, 458],
      [234, 430],
    ],
  },
]

/** Returns each transition that is drawn, as `from -> to`. */
export function drawnTransitions(): readonly string[] {
  return TRANSITIONS.flatMap(({ from, to }) => from.flatMap((one) => to.map((other) => `${one} -> ${other}`)))
}

/** Draws the states. */
export function statesImage(): string {
  const title =
    'The states of the primary. New connections are connected in open and unlocked; sessions continue in these, in switching and in unreachable.'
  return svg({ width: WIDTH, height: HEIGHT }, title, [
    words(24, 34, 'The states of the primary', { kind: 'title' }),
    zone({ x: 16, y: 50, width: 436, height: 380 }),
    words(32, 74, 'New connections wait. No session is kept.', { kind: 'small' }),
    zone({ x: 508, y: 50, width: 376, height: 380 }),
    ...key(524, 'good', 'new connections are served'),
    ...key(724, 'wait', 'new connections wait'),
    words(868, 34, 'Sessions continue in the states on the right.', { kind: 'small', anchor: 'end' }),
    ...TRANSITIONS.flatMap(({ points, label, at: [x, y], anchor = 'start' }) => [
      arrow(points),
      ...label.map((content, index) => words(x, y + index * 16, content, { kind: 'small', anchor })),
    ]),
    ...STATES.map(({ state, x, y, width, tone, lines }) =>
      box({ x, y, width, height: BOX_HEIGHT }, tone, [state, ...lines]),
    ),
  ])
}

function key(x: number, tone: Tone, content: string): readonly string[] {
  return [box({ x, y: 62, width: 12, height: 12 }, tone, []), words(x + 18, 73, content, { kind: 'small' })]
}
