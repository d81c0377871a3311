/** The reading of configurations with the kinds of DCS that the router has. */
import type { Environment } from '../../../src/config/env.ts'
import * as env from '../../../src/config/env.ts'
import { type ConfigResult, loadConfig as load } from '../../../src/config/load.ts'
import { type ConfigSource, readConfig as read } from '../../../src/config/read.ts'
import type { ConfigInput } from '../../../src/config/source.ts'
import { DCS_KINDS } from '../../../src/watcher/dcs/kinds.ts'

export function loadConfig(input: ConfigInput): ConfigResult {
  return load(input, DCS_KINDS)
}

export function readConfig(source: ConfigSource): Promise<ConfigResult> {
  return read(source, DCS_KINDS)
}

export function readEnvironment(variables: Environment, file: env.Tree = {}): env.EnvironmentTree {
  return env.readEnvironment(variables, DCS_KINDS, file)
}
