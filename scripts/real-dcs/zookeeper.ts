import { unpack, type DebianPackage } from './archive.ts'
import type { RealDcs } from './real-dcs.ts'

const VERSION = '3.4.13'
const PACKAGE: DebianPackage = {
  ...{ name: 'libzookeeper-java', suite: 'bullseye', version: `${VERSION}-6+deb11u1` },
  sha256: { all: '9c4ab50e6d8fef7cd21b4d0a68d1bca1aea93e59022c806f1857504565e4b79d' },
}

/** ZooKeeper of Debian 11, which has neither addWatch nor TLS; what it needs beside its jar is what that of Debian 12 needs. */
export const ZOOKEEPER: RealDcs = {
  name: 'zookeeper',
  variable: 'PATRONI_ROUTER_TEST_ZOOKEEPER',
  tests: ['test/{integration,cluster}/**/*zookeeper*.test.ts'],
  bring(cache) {
    const { path: program, source } = unpack(PACKAGE, `usr/share/java/zookeeper-${VERSION}.jar`, cache)
    return { program, origin: `ZooKeeper ${VERSION}, of ${source}` }
  },
}
