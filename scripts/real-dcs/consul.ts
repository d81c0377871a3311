import { output, unpack, type DebianPackage } from './archive.ts'
import type { RealDcs } from './real-dcs.ts'

const PACKAGE: DebianPackage = {
  ...{ name: 'consul', suite: 'bullseye', version: '1.8.7+dfsg1-2+b3' },
  sha256: {
    amd64: 'e4e888bba104daba1d9161f49bfc52649a7e4efd45b1a7ead5bc54f2cb9c89d9',
    arm64: '7318cfa77a7ba6f71dd096e44353279de246ffc6561216ace42353685dcf8255',
  },
}

/** Consul of Debian 11, whose program needs nothing else. */
export const CONSUL: RealDcs = {
  name: 'consul',
  variable: 'PATRONI_ROUTER_TEST_CONSUL',
  tests: ['test/integration/consul/*.test.ts', 'test/{integration,cluster}/**/*consul*.test.ts'],
  bring(cache) {
    const { path: program, source } = unpack(PACKAGE, 'usr/bin/consul', cache)
    const [version = ''] = output(program, 'version').split('\n')
    return { program, origin: `${version}, of ${source}` }
  },
}
