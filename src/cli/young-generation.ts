import { setFlagsFromString } from 'node:v8'

/**
 * Keeps V8's young generation at the 1 MiB that it has at the start. It doubles when much survives a collection, as while
 * modules are loaded or a thousand clients connect, up to 32 MiB, and what it has had is not given back. A proxy has few
 * objects that survive, so that a collection of a small one is short. To be called before much is loaded; the size
 * itself (`--max-semi-space-size`) cannot be set in a process that runs.
 */
export function keepYoungGenerationSmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1')
}
