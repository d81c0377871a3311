/** What the proxy publishes of itself for `status` and later for metrics. Plain data. */
export interface ProxyStatus {
  readonly listeners: readonly ListenerStatus[]
  readonly sessions: readonly MemberSessions[]
  readonly held: { readonly connections: number; readonly oldestMs: number | null }
  readonly totals: {
    readonly accepted: number
    readonly refused: number
    readonly fenced: number
    readonly failedDials: number
  }
}

export interface ListenerStatus {
  readonly name: string
  readonly route: 'primary' | 'replica'
  /** As bound: `[::]:5000`, the port is the kernel's where the configuration said 0. */
  readonly address: string
  readonly sessions: number
  readonly held: number
}

export interface MemberSessions {
  readonly member: string
  readonly listener: string
  readonly sessions: number
}
