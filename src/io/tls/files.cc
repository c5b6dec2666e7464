#include "io/tls/files.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace weir {
namespace {
constexpr std::size_t kMostBytes = 4 << 20;
}

FileStamp stamp_of(const std::string& path) {
  struct stat found{};
  if (::stat(path.c_str(), &found) != 0) return {};
  return {static_cast<std::int64_t>(found.st_mtim.tv_sec) * 1'000'000'000 + found.st_mtim.tv_nsec,
          found.st_ino, static_cast<std::uint64_t>(found.st_size), found.st_mode};
}

std::expected<std::string, std::string> read_small_file(const std::string& path) {
  int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return std::unexpected(std::string(std::strerror(errno)));
  std::string text;
  char piece[16 * 1024];
  ssize_t got;
  while ((got = ::read(file, piece, sizeof piece)) != 0) {
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 || text.size() + static_cast<std::size_t>(got) > kMostBytes) break;
    text.append(piece, static_cast<std::size_t>(got));
  }
  int error = errno;
  ::close(file);
  if (got < 0) return std::unexpected(std::string(std::strerror(error)));
  if (got > 0) return std::unexpected(std::string("larger than 4 MiB"));
  return text;
}

BioPtr bio_over(std::string_view text) {
  return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

X509Ptr next_certificate(BIO* text) {
  return X509Ptr(PEM_read_bio_X509(text, nullptr, nullptr, nullptr));
}

bool at_end_of_pem() {
  unsigned long error = ERR_peek_last_error();
  if (ERR_GET_LIB(error) != ERR_LIB_PEM || ERR_GET_REASON(error) != PEM_R_NO_START_LINE) {
    return false;
  }
  ERR_clear_error();
  return true;
}

bool add_authorities(SSL_CTX* context, std::string_view pem, bool tell_clients) {
  BioPtr text = bio_over(pem);
  X509_STORE* store = SSL_CTX_get_cert_store(context);
  int count = 0;
  while (X509Ptr authority = next_certificate(text.get())) {
    if (X509_STORE_add_cert(store, authority.get()) != 1) return false;
    if (tell_clients && SSL_CTX_add_client_CA(context, authority.get()) != 1) return false;
    ++count;
  }
  if (count == 0) return false;  // the queue says that there is no start line
  return at_end_of_pem();
}

}  // namespace weir
