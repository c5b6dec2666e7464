#include "http/fastcgi/records.h"

#include <algorithm>
#include <cstring>

namespace weir::fastcgi {
namespace {

constexpr char kVersion = 1;
constexpr char kResponder = 1;
constexpr char kKeepConnection = 1;

std::uint8_t byte(char c) { return static_cast<std::uint8_t>(c); }

std::uint16_t number(char high, char low) {
  return static_cast<std::uint16_t>(byte(high) << 8 | byte(low));
}

std::unexpected<Error> broken(std::string_view detail) {
  return fail(ErrorCode::bad_framing, Origin::upstream, detail);
}

}  // namespace

std::array<char, kHeaderBytes> record_header(RecordType type, std::size_t content) {
  return {kVersion,
          static_cast<char>(type),
          static_cast<char>(kRequestId >> 8),
          static_cast<char>(kRequestId & 0xff),
          static_cast<char>(content >> 8),
          static_cast<char>(content & 0xff),
          0,
          0};
}

std::array<char, 2 * kHeaderBytes> begin_request(bool keep) {
  std::array<char, 2 * kHeaderBytes> record{};
  std::array<char, kHeaderBytes> header = record_header(RecordType::begin_request, kHeaderBytes);
  std::ranges::copy(header, record.begin());
  record[kHeaderBytes + 1] = kResponder;
  record[kHeaderBytes + 2] = keep ? kKeepConnection : '\0';
  return record;
}

Result<RecordReader::Step> RecordReader::next(std::string_view bytes) {
  Step step;
  while (step.consumed < bytes.size()) {
    std::string_view rest = bytes.substr(step.consumed);
    if (!in_record_) {
      step.consumed += gather(rest, kHeaderBytes);
      if (held_size_ < kHeaderBytes) break;
      if (Status begun = begin_record(); !begun) return fail(begun.error());
    } else if (content_ > 0 && type_ == RecordType::end_request) {
      std::size_t taken = gather(rest, kHeaderBytes);
      step.consumed += taken;
      content_ = static_cast<std::uint16_t>(content_ - taken);
      if (content_ > 0) break;
      if (Status ended = finish_end(); !ended) return fail(ended.error());
    } else if (content_ > 0) {
      step.data = rest.substr(0, content_);
      step.consumed += step.data.size();
      content_ = static_cast<std::uint16_t>(content_ - step.data.size());
      step.kind =
          type_ == RecordType::standard_output ? Step::Kind::output : Step::Kind::error_output;
      in_record_ = content_ > 0 || padding_ > 0;
      return step;
    } else {
      std::size_t taken = std::min<std::size_t>(padding_, rest.size());
      step.consumed += taken;
      padding_ = static_cast<std::uint8_t>(padding_ - taken);
    }
    if (content_ > 0 || padding_ > 0) continue;
    bool ended = in_record_ && type_ == RecordType::end_request;
    in_record_ = false;
    if (!ended) continue;
    step.kind = Step::Kind::end;
    return step;
  }
  return step;
}

// Bytes that are needed in one piece.
std::size_t RecordReader::gather(std::string_view bytes, std::size_t wanted) {
  std::size_t taken = std::min(wanted - held_size_, bytes.size());
  std::memcpy(held_.data() + held_size_, bytes.data(), taken);
  held_size_ += taken;
  return taken;
}

Status RecordReader::begin_record() {
  held_size_ = 0;
  in_record_ = true;
  type_ = static_cast<RecordType>(byte(held_[1]));
  content_ = number(held_[4], held_[5]);
  padding_ = byte(held_[6]);
  if (held_[0] != kVersion) return broken("a FastCGI record of another version");
  if (number(held_[2], held_[3]) != kRequestId) return broken("a record of another request");
  switch (type_) {
    case RecordType::standard_output:
      if (output_ended_) return broken("output after its end");
      output_ended_ = content_ == 0;
      return {};
    case RecordType::standard_error:
      if (error_ended_) return broken("error output after its end");
      error_ended_ = content_ == 0;
      return {};
    case RecordType::end_request:
      if (content_ != kHeaderBytes) return broken("an END_REQUEST of the wrong length");
      return {};
    default: return broken("a FastCGI record that no responder sends");
  }
}

Status RecordReader::finish_end() {
  held_size_ = 0;
  if (byte(held_[4]) > static_cast<std::uint8_t>(ProtocolStatus::unknown_role)) {
    return broken("an END_REQUEST of unknown status");
  }
  end_.protocol = static_cast<ProtocolStatus>(byte(held_[4]));
  end_.application =
      static_cast<std::uint32_t>(number(held_[0], held_[1])) << 16 | number(held_[2], held_[3]);
  return {};
}

}  // namespace weir::fastcgi
