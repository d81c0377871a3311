/** Every helper that a template can use. */
import type { TemplateConfig } from '../../config/config.ts'
import type { Helper } from '../engine/helper.ts'
import { JSON_HELPERS } from './json.ts'
import { HELPERS_OF_NO_KEYS, KEY_HELPERS } from './keys.ts'
import { LIST_HELPERS } from './lists.ts'
import { LOGIC_HELPERS, NUMBER_HELPERS } from './logic.ts'
import { NETWORK_HELPERS } from './network.ts'
import { QUOTING_HELPERS } from './quoting.ts'
import { TEXT_HELPERS } from './text.ts'

const OTHERS: readonly Helper[] = [
  ...TEXT_HELPERS,
  ...LIST_HELPERS,
  ...NUMBER_HELPERS,
  ...LOGIC_HELPERS,
  ...JSON_HELPERS,
  ...NETWORK_HELPERS,
  ...QUOTING_HELPERS,
]

export const HELPERS: readonly Helper[] = [...KEY_HELPERS, ...OTHERS]

/** The same for a template that is given no keys. */
const HELPERS_WITHOUT_KEYS: readonly Helper[] = [...HELPERS_OF_NO_KEYS, ...OTHERS]

/** Returns those of one template: without `keys` in the configuration, what reads keys is a fault that is found when it is compiled. */
export function helpersOf({ keys }: Pick<TemplateConfig, 'keys'>): readonly Helper[] {
  return keys.length === 0 ? HELPERS_WITHOUT_KEYS : HELPERS
}
