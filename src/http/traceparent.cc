#include "http/traceparent.h"

#include <algorithm>
#include <array>

#include "http/syntax.h"

namespace weir {
namespace {

constexpr std::string_view kTraceState = "tracestate";
constexpr std::size_t kMostKey = 256;
constexpr std::size_t kMostTenant = 241;  // before the `@`
constexpr std::size_t kMostSystem = 14;   // after it
constexpr std::size_t kMostValue = 256;

// Small letters only.
int digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

std::optional<std::uint64_t> number(std::string_view hex) {
  std::uint64_t value = 0;
  for (char c : hex) {
    int next = digit(c);
    if (next < 0) return std::nullopt;
    value = value << 4 | static_cast<std::uint64_t>(next);
  }
  return value;
}

void write_hex(std::uint64_t value, char* out) {
  for (int i = 15; i >= 0; --i, value >>= 4) out[i] = "0123456789abcdef"[value & 15];
}

bool is_small(char c) { return c >= 'a' && c <= 'z'; }

bool is_key_part(std::string_view text) {
  return std::ranges::all_of(text, [](char c) {
    return is_small(c) || is_digit(c) || c == '_' || c == '-' || c == '*' || c == '/';
  });
}

// 3.3.1.3.1: a key begins with a letter; the tenant of a multi-tenant one with a digit, too.
bool is_key(std::string_view key) {
  if (key.empty()) return false;
  std::size_t at = key.find('@');
  if (at == std::string_view::npos) {
    return key.size() <= kMostKey && is_small(key.front()) && is_key_part(key);
  }
  std::string_view tenant = key.substr(0, at), system = key.substr(at + 1);
  return !tenant.empty() && tenant.size() <= kMostTenant &&
         (is_small(tenant.front()) || is_digit(tenant.front())) && is_key_part(tenant) &&
         !system.empty() && system.size() <= kMostSystem && is_small(system.front()) &&
         is_key_part(system);
}

// 3.3.1.3.2: visible characters and blanks but `,` and `=`, and no blank at the end.
bool is_value(std::string_view value) {
  if (value.empty() || value.size() > kMostValue || value.back() == ' ') return false;
  return std::ranges::all_of(value,
                             [](char c) { return c >= 0x20 && c <= 0x7e && c != ',' && c != '='; });
}

}  // namespace

std::optional<TraceParent> parse_traceparent(std::string_view text) {
  if (text.size() < kTraceParentSize) return std::nullopt;
  if (text[2] != '-' || text[35] != '-' || text[52] != '-') return std::nullopt;
  auto version = number(text.substr(0, 2));
  if (!version || *version == 0xff) return std::nullopt;
  if (text.size() > kTraceParentSize && (*version == 0 || text[55] != '-')) return std::nullopt;
  auto high = number(text.substr(3, 16)), low = number(text.substr(19, 16));
  auto span = number(text.substr(36, 16)), flags = number(text.substr(53, 2));
  if (!high || !low || !span || !flags) return std::nullopt;
  if ((*high | *low) == 0 || *span == 0) return std::nullopt;
  return TraceParent{{*high, *low}, *span, (*flags & 1) != 0};
}

void write_trace_id(const TraceId& id, char* out) {
  write_hex(id.high, out);
  write_hex(id.low, out + 16);
}

void write_span_id(std::uint64_t id, char* out) { write_hex(id, out); }

void write_traceparent(const TraceParent& parent, char* out) {
  out[0] = out[1] = out[53] = '0';
  out[2] = out[35] = out[52] = '-';
  write_trace_id(parent.trace, out + 3);
  write_span_id(parent.span, out + 36);
  out[54] = parent.sampled ? '1' : '0';
}

std::optional<std::string_view> read_tracestate(const Headers& headers) {
  std::array<std::string_view, kMostTraceStates> members;
  std::size_t count = 0;
  std::size_t size = 0;
  bool good = true;
  auto known = [&](std::string_view key) {
    return std::any_of(members.begin(), members.begin() + count, [&](std::string_view each) {
      return each.substr(0, each.find('=')) == key;
    });
  };
  auto take = [&](std::string_view member) {
    std::size_t equal = member.find('=');
    std::string_view key = member.substr(0, equal);
    good = equal != std::string_view::npos && count < members.size() && is_key(key) &&
           is_value(member.substr(equal + 1)) && !known(key);
    if (!good) return false;
    members[count++] = member;
    size += member.size() + 1;
    return true;
  };
  headers.for_each(kTraceState, [&](std::string_view field) {
    if (good) for_each_token(field, take);
  });
  if (!good || count == 0) return std::nullopt;
  char* out = headers.arena().allocate(size);
  char* end = out;
  for (std::size_t i = 0; i < count; ++i) {
    if (i > 0) *end++ = ',';
    end = std::ranges::copy(members[i], end).out;
  }
  return std::string_view(out, static_cast<std::size_t>(end - out));
}

}  // namespace weir
