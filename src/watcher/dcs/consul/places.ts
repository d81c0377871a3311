/** Which Patroni clusters the names of keys show in a Consul. */
import { placesOf } from '../scopes.ts'
import type { SurveyKind } from '../survey.ts'
import type { ConsulConnection } from './connection.ts'

export const SURVEY: SurveyKind<ConsulConnection> = {
  name: 'Consul',
  hint: 'is it the right one, and the right datacenter (consul.dc), and may the token read the namespace?',
  async find(connection, below, namespace) {
    return { places: placesOf(await connection.names(below.slice(1)), namespace), isAll: true }
  },
}
