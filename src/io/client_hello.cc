#include "io/client_hello.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace weir {
namespace {

constexpr std::size_t kRecordHeader = 5;
constexpr std::size_t kMessageHeader = 4;
constexpr std::size_t kMaxRecord = 16 * 1024;
constexpr std::uint8_t kHandshake = 22;
constexpr std::uint8_t kClientHello = 1;
constexpr std::uint16_t kServerNameExtension = 0;
constexpr std::uint16_t kAlpnExtension = 16;
constexpr std::size_t kMaxServerName = 255;

std::unexpected<Error> bad(std::string_view why) {
  return fail(ErrorCode::parse, Origin::client, why);
}

std::uint8_t byte_of(char c) { return static_cast<std::uint8_t>(c); }

/// Reads vectors with a length ahead of them (RFC 8446, 3.4), each once.
class Cursor {
 public:
  explicit Cursor(std::string_view bytes) : rest_(bytes) {}
  bool empty() const { return rest_.empty(); }
  bool skip(std::size_t count) {
    if (rest_.size() < count) return false;
    rest_.remove_prefix(count);
    return true;
  }
  std::optional<std::size_t> number(int bytes) {
    if (rest_.size() < static_cast<std::size_t>(bytes)) return std::nullopt;
    std::size_t value = 0;
    for (int i = 0; i < bytes; ++i)
      value = value << 8 | byte_of(rest_[static_cast<std::size_t>(i)]);
    rest_.remove_prefix(static_cast<std::size_t>(bytes));
    return value;
  }
  /// A vector whose length has so many bytes.
  std::optional<std::string_view> vector(int length_bytes) {
    auto size = number(length_bytes);
    if (!size || rest_.size() < *size) return std::nullopt;
    std::string_view taken = rest_.substr(0, *size);
    rest_.remove_prefix(*size);
    return taken;
  }

 private:
  std::string_view rest_;
};

// RFC 6066, 3: one name of type host_name. Others types have never been defined.
Status read_server_name(std::string_view data, ClientHello& hello) {
  Cursor extension(data);
  auto list = extension.vector(2);
  if (!list || !extension.empty()) return bad("ClientHello: not a list of server names");
  Cursor names(*list);
  while (!names.empty()) {
    auto type = names.number(1);
    auto name = names.vector(2);
    if (!type || !name) return bad("ClientHello: not a server name");
    if (*type != 0) continue;
    if (!hello.server_name.empty()) return bad("ClientHello: more than one server name");
    bool printable = std::ranges::all_of(*name, [](char c) { return c > ' ' && c < 127; });
    if (name->empty() || name->size() > kMaxServerName || !printable) {
      return bad("ClientHello: not the name of a host");
    }
    hello.server_name = *name;
    if (hello.server_name.ends_with('.')) hello.server_name.pop_back();
    std::ranges::transform(hello.server_name, hello.server_name.begin(), [](char c) {
      return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    });
  }
  return {};
}

// RFC 7301, 3.1.
Status read_alpn(std::string_view data, ClientHello& hello) {
  Cursor extension(data);
  auto list = extension.vector(2);
  if (!list || !extension.empty()) return bad("ClientHello: not a list of protocols");
  Cursor names(*list);
  while (!names.empty()) {
    auto name = names.vector(1);
    if (!name || name->empty()) return bad("ClientHello: not the name of a protocol");
    hello.alpn.emplace_back(*name);
  }
  return {};
}

Status read_extensions(std::string_view bytes, ClientHello& hello) {
  Cursor extensions(bytes);
  bool named = false;
  bool offered = false;
  while (!extensions.empty()) {
    auto type = extensions.number(2);
    auto data = extensions.vector(2);
    if (!type || !data) return bad("ClientHello: not an extension");
    Status read;
    if (*type == kServerNameExtension) {
      if (std::exchange(named, true)) return bad("ClientHello: an extension came twice");
      read = read_server_name(*data, hello);
    } else if (*type == kAlpnExtension) {
      if (std::exchange(offered, true)) return bad("ClientHello: an extension came twice");
      read = read_alpn(*data, hello);
    }
    if (!read) return read;
  }
  return {};
}

Status read_hello(std::string_view body, ClientHello& hello) {
  Cursor cursor(body);
  bool whole = cursor.skip(2 + 32) &&  // version, random
               cursor.vector(1) &&     // session
               cursor.vector(2) &&     // cipher suites
               cursor.vector(1);       // compression
  if (!whole) return bad("ClientHello: it ends too soon");
  if (cursor.empty()) return {};  // TLS 1.2 may have no extensions
  auto extensions = cursor.vector(2);
  if (!extensions || !cursor.empty()) return bad("ClientHello: not a list of extensions");
  return read_extensions(*extensions, hello);
}

}  // namespace

Status ClientHelloReader::begin_record() {
  std::size_t size = std::size_t{byte_of(header_[3])} << 8 | byte_of(header_[4]);
  if (byte_of(header_[0]) != kHandshake || header_[1] != 3) return bad("not a handshake of TLS");
  if (size == 0 || size > kMaxRecord) return bad("not a record of TLS");
  if (++records_ > kMaxRecords) {
    return fail(ErrorCode::limit, Origin::client, "ClientHello: too many records");
  }
  record_left_ = size;
  return {};
}

// As soon as its header has come.
Status ClientHelloReader::check_message() const {
  if (byte_of(message_[0]) != kClientHello) return bad("not a ClientHello");
  if (message_.size() >= kMessageHeader && wanted() > kMaxBytes) {
    return fail(ErrorCode::limit, Origin::client, "ClientHello: longer than 16 KiB");
  }
  return {};
}

std::size_t ClientHelloReader::wanted() const {
  if (message_.size() < kMessageHeader) return kMessageHeader;
  std::size_t body = std::size_t{byte_of(message_[1])} << 16 |
                     std::size_t{byte_of(message_[2])} << 8 | byte_of(message_[3]);
  return kMessageHeader + body;
}

Result<bool> ClientHelloReader::feed(std::string_view bytes) {
  while (!bytes.empty()) {
    if (record_left_ == 0) {
      std::size_t take = std::min(bytes.size(), kRecordHeader - header_.size());
      header_ += bytes.substr(0, take);
      bytes.remove_prefix(take);
      if (header_.size() < kRecordHeader) return false;
      if (Status begun = begin_record(); !begun) return std::unexpected(begun.error());
      header_.clear();
      continue;
    }
    std::size_t take = std::min({bytes.size(), record_left_, wanted() - message_.size()});
    message_ += bytes.substr(0, take);
    bytes.remove_prefix(take);
    record_left_ -= take;
    if (Status checked = check_message(); !checked) return std::unexpected(checked.error());
    if (message_.size() < kMessageHeader || message_.size() < wanted()) continue;
    Status read = read_hello(std::string_view(message_).substr(kMessageHeader), hello_);
    if (!read) return std::unexpected(read.error());
    return true;
  }
  return false;
}

}  // namespace weir
