#include "io/tls/engine.h"

#include <openssl/err.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "io/tls/engine_handshake.h"

namespace weir {
namespace {

constexpr std::size_t kRecordBytes = SSL3_RT_MAX_PLAIN_LENGTH;
// From here on a flight goes into one large block, and so out in one piece.
constexpr std::size_t kBulkFlight = 2 * kRecordBytes;

// Memory BIOs would keep a buffer for each connection; this one reads and writes that of the engine
// whose operation runs. So all engines of a worker share one: 200 bytes less for each connection.
int bio_write(BIO* bio, const char* data, std::size_t size, std::size_t* written) {
  if (!static_cast<TlsEngine*>(BIO_get_data(bio))->put_output({data, size})) return 0;
  *written = size;
  return 1;
}

int bio_read(BIO* bio, char* out, std::size_t size, std::size_t* got) {
  BIO_clear_retry_flags(bio);
  *got = static_cast<TlsEngine*>(BIO_get_data(bio))->take_input(out, size);
  if (*got > 0) return 1;
  BIO_set_retry_read(bio);
  return 0;
}

long bio_control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

BIO_METHOD* engine_bio() {
  static BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "weir");
    BIO_meth_set_write_ex(made, &bio_write);
    BIO_meth_set_read_ex(made, &bio_read);
    BIO_meth_set_ctrl(made, &bio_control);
    return made;
  }();
  return method;
}

BIO* shared_bio(Slots& worker) {
  static const SlotKey key;
  return worker.get<BioPtr>(key, [] { return std::make_unique<BioPtr>(BIO_new(engine_bio())); })
      .get();
}

}  // namespace

TlsEngine::TlsEngine(BufferPool& buffers) : buffers_(buffers) {}
TlsEngine::~TlsEngine() {
  // Or OpenSSL would refuse to resume a session whose connection just went.
  if (ssl_ != nullptr && failure_.code == ErrorCode::none) {
    SSL_set_shutdown(ssl_.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  }
}

TlsEngine& TlsEngine::of(const SSL* connection) {
  return *static_cast<TlsEngine*>(SSL_get_app_data(connection));
}

Status TlsEngine::attach(SSL_CTX* context, Slots& worker) {
  ERR_clear_error();
  ssl_.reset(SSL_new(context));
  BIO* bio = shared_bio(worker);
  if (ssl_ == nullptr || bio == nullptr) {
    return fail(ErrorCode::internal, Origin::weir, take_openssl_error());
  }
  BIO_set_init(bio, 1);
  BIO_up_ref(bio);
  SSL_set_bio(ssl_.get(), bio, bio);
  SSL_set_app_data(ssl_.get(), this);
  handshake_ = std::make_unique<Handshake>(worker);
  return {};
}

SSL* TlsEngine::operating() {
  BIO_set_data(SSL_get_rbio(ssl_.get()), this);
  return ssl_.get();
}

// ---- Ciphertext

void TlsEngine::feed(Slice ciphertext) { input_ = std::move(ciphertext); }

std::size_t TlsEngine::take_input(char* out, std::size_t size) {
  std::size_t count = std::min(size, input_.size());
  if (count == 0) return 0;
  std::memcpy(out, input_.data(), count);
  input_.advance(count);
  if (input_.empty()) input_ = Slice();  // gives the buffer back
  return count;
}

bool TlsEngine::put_output(std::string_view bytes) {
  if (lending_ != nullptr) return lending_->put(bytes);
  // An answer in the midst of a read, whose own space is still borrowed.
  return add_output(copy_slice(bytes));
}

bool TlsEngine::add_output(Slice slice) {
  if (output_ == nullptr) output_ = std::make_unique<TlsOutput>();
  if (output_->add(std::move(slice))) return true;
  failure_ = Error(ErrorCode::limit, Origin::weir, "the peer provokes answers and takes none");
  return false;
}

// ---- Reading

std::optional<Result<Slice>> TlsEngine::read(std::size_t hint) {
  if (handshake_ != nullptr) return read_early(hint);
  if (failure_.code != ErrorCode::none) return fail(failure_);
  if (nothing_to_find()) return std::nullopt;
  ERR_clear_error();
  BufferPool::Loan space = buffers_.lend(hint > BufferPool::kBlockBytes);
  std::size_t filled = 0;
  int result = 1;
  while (filled < space.size && result == 1) {
    std::size_t got = 0;
    result = SSL_read_ex(operating(), space.data + filled, space.size - filled, &got);
    filled += got;
    if (input_.empty() && SSL_pending(ssl_.get()) == 0) break;
  }
  std::optional<Error> why;
  if (result != 1) why = why_no_bytes(result);
  if (filled > 0) return buffers_.commit(space, filled);  // the next read tells why
  if (why) return fail(*why);
  return std::nullopt;
}

bool TlsEngine::nothing_to_find() const {
  return input_.empty() && SSL_pending(ssl_.get()) == 0 && transport_end_.code == ErrorCode::none &&
         (SSL_get_shutdown(ssl_.get()) & SSL_RECEIVED_SHUTDOWN) == 0;
}

// Nothing if more input is needed.
std::optional<Error> TlsEngine::why_no_bytes(int result) {
  if (failure_.code != ErrorCode::none) return failure_;
  int kind = SSL_get_error(ssl_.get(), result);
  if (kind == SSL_ERROR_ZERO_RETURN) return Error(ErrorCode::end_of_stream, Origin::weir);
  if (kind == SSL_ERROR_WANT_READ) {
    if (transport_end_.code == ErrorCode::end_of_stream) {
      return Error(ErrorCode::reset, Origin::weir, "closed without close_notify");
    }
    if (transport_end_.code != ErrorCode::none) return transport_end_;
    return std::nullopt;
  }
  failure_ = explain(ErrorCode::tls_broken);
  return failure_;
}

bool TlsEngine::quiet() {
  if (handshake_ != nullptr) return false;
  if (failure_.code != ErrorCode::none || transport_end_.code != ErrorCode::none) return false;
  if (nothing_to_find()) return true;
  ERR_clear_error();
  char byte;
  std::size_t got = 0;
  int result = SSL_peek_ex(operating(), &byte, 1, &got);
  return result != 1 && !why_no_bytes(result);
}

// ---- Writing

Status TlsEngine::encrypt(std::string_view plaintext) {
  std::size_t written = 0;
  auto* into = early() ? &SSL_write_early_data : &SSL_write_ex;
  if (into(operating(), plaintext.data(), plaintext.size(), &written) == 1) return {};
  if (failure_.code == ErrorCode::none) failure_ = explain(ErrorCode::tls_broken);
  return fail(failure_);
}

namespace {

// As much of the front of `data` as fits into one record, side by side; what it takes is consumed.
Result<std::size_t> gather_record(std::span<Slice>& data, std::span<char> out) {
  std::size_t filled = 0;
  while (!data.empty() && filled < out.size()) {
    Slice& front = data.front();
    std::size_t count = std::min(front.size(), out.size() - filled);
    if (front.empty()) {
    } else if (front.kind() == Slice::Kind::memory) {
      std::memcpy(out.data() + filled, front.data(), count);
    } else {
      ssize_t got;
      do {
        got = ::pread(front.file(), out.data() + filled, count, static_cast<off_t>(front.offset()));
      } while (got < 0 && errno == EINTR);
      if (got < 0) return fail(from_errno(errno), Origin::weir, "pread");
      if (got == 0) return fail(ErrorCode::truncated, Origin::weir, "the file became shorter");
      count = static_cast<std::size_t>(got);
    }
    filled += count;
    front.advance(count);
    if (!front.empty()) continue;
    front = Slice();
    data = data.subspan(1);
  }
  return filled;
}

}  // namespace

Status TlsEngine::write(std::span<Slice>& data, std::size_t most) {
  if (failure_.code != ErrorCode::none) return fail(failure_);
  if (closed_) return fail(ErrorCode::reset, Origin::weir, "written after close_notify");
  std::size_t total = 0;
  for (const Slice& slice : data) total += slice.size();
  Lending lending(*this, std::min(total, most) >= kBulkFlight);
  std::array<char, kRecordBytes> record;
  std::size_t done = 0;
  while (!data.empty() && done < most) {
    Slice& front = data.front();
    bool whole =
        front.kind() == Slice::Kind::memory && (front.size() >= kRecordBytes || data.size() == 1);
    std::size_t count = std::min(front.size(), most - done);
    if (front.empty()) {
      front = Slice();
      data = data.subspan(1);
    } else if (whole) {
      if (Status written = encrypt(front.view().substr(0, count)); !written) return written;
      front.advance(count);
      done += count;
    } else {
      Result<std::size_t> gathered = gather_record(data, record);
      if (!gathered) return fail(gathered.error());
      if (Status written = encrypt({record.data(), *gathered}); !written) return written;
      done += *gathered;
    }
  }
  return {};
}

void TlsEngine::close_notify() {
  if (closed_ || !established() || early() || failure_.code != ErrorCode::none) return;
  closed_ = true;
  Lending lending(*this, false);
  ERR_clear_error();
  SSL_shutdown(operating());
  ERR_clear_error();
}

Status TlsEngine::update_keys(bool ask_peer) {
  if (failure_.code != ErrorCode::none) return fail(failure_);
  Lending lending(*this, false);
  ERR_clear_error();
  int kind = ask_peer ? SSL_KEY_UPDATE_REQUESTED : SSL_KEY_UPDATE_NOT_REQUESTED;
  if (SSL_key_update(operating(), kind) != 1 || SSL_do_handshake(ssl_.get()) != 1) {
    return fail(ErrorCode::unsupported, Origin::weir, take_openssl_error());
  }
  return {};
}

}  // namespace weir
