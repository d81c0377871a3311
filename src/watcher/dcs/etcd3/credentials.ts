/** TLS (or none) of one channel, and its sockets: grpc-js leaves those open to which the peer says nothing. */
import { isIP, type Socket } from 'node:net'
import { checkServerIdentity, type PeerCertificate, type SecureContext } from 'node:tls'
import { ChannelCredentials, type ChannelOptions } from './library.ts'

type SecureConnector = ReturnType<ChannelCredentials['_createSecureConnector']>

export class EtcdCredentials extends ChannelCredentials {
  readonly #inner: ChannelCredentials
  readonly #sockets = new Set<Socket>()
  #closed = false

  /** @param host the name that the certificate of etcd must have. @param context null: without TLS. */
  constructor(host: string, context: SecureContext | null) {
    super()
    const verify = { checkServerIdentity: (_name: string, cert: PeerCertificate) => checkServerIdentity(host, cert) }
    this.#inner =
      context === null
        ? ChannelCredentials.createInsecure()
        : ChannelCredentials.createFromSecureContext(context, verify)
  }

  /** Ends the connections, those too that are only just made. Idempotent. */
  close(): void {
    this.#closed = true
    for (const socket of this.#sockets) socket.destroy()
  }

  override _isSecure(): boolean {
    return this.#inner._isSecure()
  }

  override _equals(other: ChannelCredentials): boolean {
    return this === other
  }

  override _createSecureConnector(...args: Parameters<ChannelCredentials['_createSecureConnector']>): SecureConnector {
    const connector = this.#inner._createSecureConnector(...args)
    return {
      connect: async (socket) => {
        if (this.#closed) {
          socket.destroy()
          throw new Error('the connection is closed')
        }
        this.#sockets.add(socket)
        socket.once('close', () => this.#sockets.delete(socket))
        return connector.connect(socket)
      },
      waitForReady: () => connector.waitForReady(),
      getCallCredentials: () => connector.getCallCredentials(),
      destroy: () => connector.destroy(),
    }
  }
}

/**
 * Returns the name of the server for TLS: grpc-js would send an address, which TLS does not allow and Node warns about.
 */
export function serverName(host: string, context: SecureContext | null): ChannelOptions {
  return context !== null && isIP(host) !== 0 ? { 'grpc.ssl_target_name_override': 'etcd' } : {}
}
