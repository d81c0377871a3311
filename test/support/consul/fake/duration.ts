const UNITS_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
}

/** Milliseconds of a duration as Go writes it, such as `10.0s` or `1m30s`; null when it is none. */
export function parseDuration(text: string): number | null {
  if (text === '0') return 0
  if (!/^-?((\d+\.?\d*|\.\d+)(ns|us|µs|ms|s|m|h))+$/.test(text)) return null
  const parts = text.matchAll(/(\d+\.?\d*|\.\d+)(ns|us|µs|ms|s|m|h)/g)
  const sum = [...parts].reduce((total, [, count, unit = '']) => total + Number(count) * (UNITS_MS[unit] ?? 0), 0)
  return text.startsWith('-') ? -sum : sum
}
