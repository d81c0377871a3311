/** Discovery through the members' own REST API: for any DCS, and for none. */
import type { DcsKind } from '../kind.ts'
import { memberReports } from '../member-reports/descriptor.ts'
import { NAME, REST_FORM, resolveRest, type RestConfig } from './section.ts'

export const rest: DcsKind<RestConfig> = {
  ...memberReports(NAME),
  patroni: null,
  needed: { key: 'urls', how: 'rest.urls' },
  addresses: ['urls'],
  passwords: [],
  form: REST_FORM,
  resolve: resolveRest,
  describe: ({ urls }) => `none: the members are queried, beginning with ${urls.join(', ')}`,
}
