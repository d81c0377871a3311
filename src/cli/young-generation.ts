import { setFlagsFromString } from 'node:v8'

/**
 * Keeps V8's young generation at the 2 MiB that it has at the start. It doubles when much survives a collection, as while
 * modules are loaded or a thousand clients connect, up to 64 MiB and more, and what it has had is not given back. Few
 * objects of a proxy survive, so that a collection of a small one is short, and shorter by half in one thread than with
 * helpers. To be called before much is loaded: the size itself (`--max-semi-space-size`) cannot be set in a process that
 * runs.
 */
export function keepYoungGenerationSmall(): void {
  for (const flag of ['--semi-space-growth-factor=1', '--no-parallel-scavenge']) setFlagsFromString(flag)
}
