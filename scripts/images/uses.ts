/** Where the router runs: in front of the cluster, beside a proxy, or beside keepalived on each host. */
import { arrow, box, type Point, svg, type Tone, words, zone } from './svg.ts'

const WIDTH = 900
const PANEL = 284
const HEIGHT = 452
const MEMBERS_Y = 330

/** Draws inside a panel, whose left edge is 0. */
class Pen {
  readonly parts: string[] = []
  readonly #left: number

  constructor(left: number) {
    this.#left = left
  }

  box(x: number, y: number, width: number, height: number, tone: Tone, ...lines: string[]): void {
    this.parts.push(box({ x: x + this.#left, y, width, height }, tone, lines))
  }

  zone(x: number, y: number, width: number, height: number, kind = 'zone'): void {
    this.parts.push(zone({ x: x + this.#left, y, width, height }, kind))
  }

  arrow(kind: string, ...points: readonly Point[]): void {
    this.parts.push(
      arrow(
        points.map(([x, y]) => [x + this.#left, y]),
        kind,
      ),
    )
  }

  words(x: number, y: number, content: string, options: Parameters<typeof words>[3] = {}): void {
    this.parts.push(words(x + this.#left, y, content, options))
  }

  label(x: number, y: number, content: string, anchor: 'start' | 'middle' | 'end' = 'start'): void {
    this.words(x, y, content, { kind: 'small', anchor })
  }
}

interface Panel {
  readonly title: string
  readonly about: readonly string[]
  readonly draw: (pen: Pen) => void
}

const PANELS: readonly Panel[] = [
  {
    title: 'In front of the cluster',
    about: ['Clients connect to the router.', 'New connections wait during a failover.'],
    draw: (pen) => {
      pen.box(17, 96, 150, 40, 'plain', 'application')
      pen.arrow('', [60, 136], [60, 208])
      pen.label(54, 168, '5000', 'end')
      pen.label(54, 183, 'writes', 'end')
      pen.arrow('', [124, 136], [124, 208])
      pen.label(132, 168, '5001')
      pen.label(132, 183, 'reads')
      pen.box(17, 208, 150, 44, 'router', 'patroni-router')
      pen.box(212, 208, 60, 44, 'plain', 'etcd')
      pen.arrow('dashed router', [167, 230], [212, 230])
      members(pen)
      pen.arrow('', [46, 252], [46, MEMBERS_Y])
      pen.arrow('', [92, 252], [138, MEMBERS_Y])
      pen.arrow('', [112, 252], [222, MEMBERS_Y])
      pen.arrow('dashed router', [152, 252], [264, MEMBERS_Y - 12])
    },
  },
  {
    title: 'Beside another proxy',
    about: ['The router writes its configuration', 'from a template, and reloads it.'],
    draw: (pen) => {
      pen.box(10, 96, 116, 40, 'plain', 'application')
      pen.arrow('', [68, 136], [68, 208])
      pen.box(8, 208, 122, 44, 'plain', 'HAProxy', 'PgBouncer, nginx')
      pen.box(158, 208, 118, 44, 'router', 'patroni-router')
      pen.arrow('dotted router', [158, 230], [130, 230])
      pen.label(144, 198, 'file, reload', 'middle')
      pen.box(212, 96, 60, 40, 'plain', 'etcd')
      pen.arrow('dashed router', [242, 208], [242, 136])
      members(pen)
      pen.arrow('', [46, 252], [46, MEMBERS_Y])
      pen.arrow('', [68, 252], [138, MEMBERS_Y])
      pen.arrow('', [92, 252], [222, MEMBERS_Y])
      pen.arrow('dashed router', [242, 252], [264, MEMBERS_Y - 12])
    },
  },
  {
    title: 'Beside keepalived',
    about: ['The router reports where the leader is;', 'keepalived moves the address there.'],
    draw: (pen) => {
      pen.box(12, 96, 120, 40, 'plain', 'application')
      pen.arrow('', [52, 136], [52, 166])
      for (const host of [0, 1, 2]) {
        const x = 10 + host * 91
        pen.zone(x, 178, 82, 172)
        pen.box(x + 5, 200, 72, 40, host === 0 ? 'good' : 'plain', `pg${host + 1}`, host === 0 ? 'primary' : 'replica')
        pen.box(x + 5, 254, 72, 30, 'plain')
        pen.label(x + 41, 273.5, 'keepalived', 'middle')
        pen.box(x + 5, 306, 72, 34, 'router', 'router')
        pen.arrow('dotted router', [x + 41, 306], [x + 41, 284])
        pen.arrow('dashed router', [x + 41, 340], [x + 41, 372])
      }
      pen.box(12, 166, 78, 26, 'good', 'address')
      pen.box(10, 372, 264, 26, 'plain', 'etcd')
    },
  },
]

/** Draws the three uses side by side. */
export function usesImage(): string {
  const panels = PANELS.flatMap(({ title, about, draw }, index) => {
    const pen = new Pen(12 + index * (PANEL + 12))
    pen.zone(0, 12, PANEL, HEIGHT - 56, 'panel')
    pen.words(14, 38, title, { kind: 'title' })
    for (const [at, text] of about.entries()) pen.label(14, 58 + at * 17, text)
    draw(pen)
    return pen.parts
  })
  const title =
    'Three uses of patroni-router: in front of the cluster as a TCP proxy; beside HAProxy, PgBouncer or nginx, whose configuration it writes; beside keepalived on each host, which moves an address to the leader.'
  return svg({ width: WIDTH, height: HEIGHT }, title, [...panels, ...legend()])
}

function members(pen: Pen): void {
  pen.zone(4, MEMBERS_Y - 12, 276, 68)
  for (const [index, name] of ['pg1', 'pg2', 'pg3'].entries()) {
    const primary = index === 0
    pen.box(12 + index * 91, MEMBERS_Y, 78, 46, primary ? 'good' : 'plain', name, primary ? 'primary' : 'replica')
  }
}

function legend(): readonly string[] {
  const y = HEIGHT - 20
  const entries: readonly (readonly [x: number, kind: string, content: string])[] = [
    [26, '', 'connections of clients'],
    [246, 'dashed router', 'the router watches etcd and checks the members'],
    [640, 'dotted router', 'a file that it writes'],
  ]
  return entries.flatMap(([x, kind, content]) => [
    arrow(
      [
        [x, y - 4],
        [x + 34, y - 4],
      ],
      kind,
    ),
    words(x + 44, y, content, { kind: 'small' }),
  ])
}
