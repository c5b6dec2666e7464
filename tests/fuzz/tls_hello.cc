// Bytes of a network into a TLS engine that has not shaken hands: a server reads a ClientHello
// (names, protocols, tickets), a client what claims to be a server. Neither is ever talked into a
// connection.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "io/tls/engine.h"
#include "io/tls/test_certificates.h"
#include "require.h"

namespace {

using namespace weir;

struct Sides {
  Sides() {
    test::TestAuthority authority;
    std::vector<ShownCertificate> shown;
    for (auto kind : {test::KeyKind::ecdsa, test::KeyKind::rsa}) {
      for (const char* name : {"DNS:a.example", "DNS:*.b.example"}) {
        shown.push_back({authority.issue({.names = {name}, .key = kind}).parsed(), nullptr});
      }
    }
    TlsServerOptions options;
    options.certificates = std::make_shared<test::FixedCertificates>(std::move(shown));
    options.ticket_keys = std::make_shared<TicketKeys>();
    options.alpn = {"h2", "http/1.1"};
    server = *TlsServerProfile::make(options);
    client = *TlsClientProfile::make({.verify = false, .alpn = {"http/1.1"}});
  }
  std::shared_ptr<const TlsServerProfile> server;
  std::shared_ptr<const TlsClientProfile> client;
};

const Sides* sides;

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  sides = new Sides;  // RSA keys take their time
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  // The first byte: which side, and how the bytes are cut.
  bool server = (data[0] & 1) == 0;
  std::size_t piece = std::size_t{data[0]} / 2 + 1;
  if (piece == 128) piece = size;
  std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);

  Slots worker;
  BufferPool buffers;
  TlsEngine engine(buffers);
  Status started = server ? engine.start_server(*sides->server, worker)
                          : engine.start_client(sides->client, "a.example", worker);
  require(started.has_value(), "an engine starts");
  Result<bool> done = engine.handshake();
  while (done && !rest.empty()) {
    require(!*done, "nobody is talked into a connection");
    (void)engine.take_output();
    require(engine.hungry(), "what was fed is used up");
    engine.feed(copy_slice(rest.substr(0, piece)));
    rest.remove_prefix(std::min(piece, rest.size()));
    done = engine.handshake();
  }
  if (done) {
    engine.feed_end(Error(ErrorCode::end_of_stream));
    done = engine.handshake();
  }
  require(!done && !engine.established(), "an end is a failure");
  require(!engine.handshake(), "a failure is final");
  return 0;
}
