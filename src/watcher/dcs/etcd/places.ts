/** Which Patroni clusters the directories of an etcd show: API v2 has no list of names alone. */
import { findByLevels } from '../levels.ts'
import type { SurveyKind } from '../survey.ts'
import type { EtcdConnection } from './connection.ts'

export const SURVEY: SurveyKind<EtcdConnection> = {
  name: 'etcd',
  hint:
    'is it the right one, and does Patroni use its section etcd? (with its section etcd3 it uses API v3, which is not ' +
    'visible here)',
  find: findByLevels,
}
