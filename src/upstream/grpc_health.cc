#include "upstream/grpc_health.h"

#include <array>

#include "upstream/protobuf.h"

namespace weir {
namespace {

constexpr std::size_t kPrefix = 5;  // a flag and four bytes of length

// Protocol Buffers, "Encoding": a number in groups of seven bits, the least significant first.
void put_varint(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<char>(value | 0x80));
  out.push_back(static_cast<char>(value));
}

}  // namespace

std::string_view name(ServingStatus status) {
  static constexpr std::array<std::string_view, 4> kNames = {"UNKNOWN", "SERVING", "NOT_SERVING",
                                                             "SERVICE_UNKNOWN"};
  auto index = static_cast<std::size_t>(status);
  return index < kNames.size() ? kNames[index] : "a status that is not known";
}

std::string health_request(std::string_view service) {
  std::string message;
  if (!service.empty()) {
    message.push_back(1 << 3 | 2);  // field 1, a text
    put_varint(message, service.size());
    message += service;
  }
  std::string framed(1, '\0');
  for (int shift = 24; shift >= 0; shift -= 8) {
    framed.push_back(static_cast<char>(message.size() >> shift));
  }
  return framed + message;
}

std::optional<ServingStatus> parse_health_response(std::string_view body) {
  if (body.size() < kPrefix || body.front() != '\0') return std::nullopt;
  std::uint32_t length = 0;
  for (char each : body.substr(1, 4)) length = length << 8 | static_cast<std::uint8_t>(each);
  std::string_view in = body.substr(kPrefix);
  if (in.size() != length) return std::nullopt;
  std::uint64_t status = 0;  // what is left out is zero
  while (!in.empty()) {
    std::optional<protobuf::Field> field = protobuf::take_field(in);
    if (!field) return std::nullopt;
    if (field->number == 1 && field->wire == protobuf::Wire::number) status = field->value;
  }
  return static_cast<ServingStatus>(status < 255 ? status : 255);
}

}  // namespace weir
