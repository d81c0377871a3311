/** Which Patroni clusters the nodes of a ZooKeeper show. */
import { findByLevels } from '../levels.ts'
import type { SurveyKind } from '../survey.ts'
import type { ZooKeeperConnection } from './connection.ts'

export const SURVEY: SurveyKind<ZooKeeperConnection> = {
  name: 'ZooKeeper',
  hint: 'is it the right one, and the right chroot (behind the last of zookeeper.hosts)?',
  find: findByLevels,
}
