// What the tests of HTTP/2 share: engines that talk to each other in memory, streams that record.
// Included by tests and fuzz targets only.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "http/h2/engine.h"

namespace weir::h2::testing {

using Fields = std::vector<std::pair<std::string, std::string>>;

/// Fields as they stand, without any check: tests send wrong ones too.
class RawFields {
 public:
  explicit RawFields(const Fields& fields) : kept_(fields), list_(arena_, kept_.size()) {
    for (const auto& [name, value] : kept_) list_.add(name, value);
  }
  const FieldList& list() const { return list_; }

 private:
  Fields kept_;
  Arena arena_;
  FieldList list_;
};

/// A frame, byte by byte.
inline std::string frame(FrameType type, std::uint8_t flags, std::uint32_t stream,
                         std::string_view payload = {}) {
  std::string out;
  auto put = [&out](std::uint32_t value, int bytes) {
    for (int i = bytes - 1; i >= 0; --i) out.push_back(static_cast<char>(value >> (8 * i)));
  };
  put(static_cast<std::uint32_t>(payload.size()), 3);
  put(static_cast<std::uint32_t>(type), 1);
  put(flags, 1);
  put(stream, 4);
  return out.append(payload);
}

inline std::string number(std::uint32_t value) {
  std::string out;
  for (int i = 3; i >= 0; --i) out.push_back(static_cast<char>(value >> (8 * i)));
  return out;
}

/// A literal field without indexing and without Huffman coding (RFC 7541, 6.2.2).
inline std::string literal(std::string_view name, std::string_view value) {
  auto text = [](std::string_view bytes) {
    std::string out;
    std::size_t size = bytes.size();
    if (size < 127) {
      out.push_back(static_cast<char>(size));
    } else {
      out.push_back(127);
      for (size -= 127; size >= 128; size /= 128)
        out.push_back(static_cast<char>(size % 128 + 128));
      out.push_back(static_cast<char>(size));
    }
    return out.append(bytes);
  };
  return std::string(1, '\0') + text(name) + text(value);
}

inline std::string literals(const Fields& fields) {
  std::string out;
  for (const auto& [name, value] : fields) out += literal(name, value);
  return out;
}

inline Fields get(std::string path = "/") {
  return {{":method", "GET"},
          {":scheme", "http"},
          {":path", std::move(path)},
          {":authority", "a.example"}};
}

inline Fields post(std::string path = "/") {
  Fields fields = get(std::move(path));
  fields[0].second = "POST";
  return fields;
}

/// One head as it arrived.
struct Head {
  HeadKind kind;
  std::uint16_t status;
  std::string method;
  std::string path;
  Fields fields;
  Error error;

  std::string get(std::string_view name) const {
    for (const auto& [field, value] : fields) {
      if (iequals(field, name)) return value;
    }
    return {};
  }
};

/// Records all that arrives; sends what was queued with `send`.
class RecordingStream final : public EngineStream {
 public:
  Headers* head_begins(HeadKind) override {
    headers_ = std::make_unique<Headers>(arena_);
    return headers_.get();
  }
  void on_head(FieldBlock& block, bool) override {
    Head head{block.kind(), block.status, std::string(block.method), std::string(block.path),
              {},           block.error()};
    for (const Header& header : *headers_) {
      head.fields.emplace_back(header.name(), header.value());
    }
    heads.push_back(std::move(head));
  }
  void on_data(Slice bytes) override {
    if (keep_slices) slices.push_back(bytes);
    body += bytes.view();
  }
  void on_end() override { ended = true; }
  void on_closed(Closed how) override {
    closed = true;
    closed_as = how;
  }
  Supply supply(std::size_t most) override {
    ++supplies;
    Supply found;
    found.bytes = std::min(most, sending.size());
    found.end = found.bytes == sending.size() && ends;
    if (trailers && found.end) found.trailers = &trailers->list();
    return found;
  }
  void take(std::size_t bytes, OutputBatch& out) override {
    Slice part = copy_slice(std::string_view(sending).substr(0, bytes));
    sending.erase(0, bytes);
    out.add(std::move(part));
  }
  void on_end_sent() override { end_sent = true; }

  std::vector<Head> heads;
  std::string body;
  std::vector<Slice> slices;
  bool keep_slices = false;
  bool ended = false;
  bool closed = false;
  Closed closed_as;
  std::string sending;
  bool ends = true;
  bool end_sent = false;
  std::unique_ptr<RawFields> trailers;
  int supplies = 0;

 private:
  Arena arena_;
  std::unique_ptr<Headers> headers_;
};

/// One side of a connection in memory.
class Peer final : public EngineListener {
 public:
  explicit Peer(Side side, const Limits& limits = {}, const FieldLimits& fields = {})
      : limits_(limits), engine(side, limits_, fields, *this) {}

  EngineStream* open(StreamId id) override {
    if (refuse) return nullptr;
    auto stream = std::make_unique<RecordingStream>();
    RecordingStream* opened = stream.get();
    opened->keep_slices = keep_slices;
    streams[id] = std::move(stream);
    return opened;
  }
  bool misdeed(Misdeed what) override {
    ++misdeeds[what];
    return budget == 0 || ++points <= budget;
  }
  void on_goaway(StreamId last, Reason reason) override {
    goaway = true;
    goaway_last = last;
    goaway_reason = reason;
  }
  void on_settings() override { ++settings; }
  void on_ping_ack() override { ++ping_acks; }

  /// Everything that the engine has to say now.
  std::string pull() {
    std::string out;
    while (engine.wants_output()) {
      std::size_t before = out.size();
      OutputBatch batch(buffers);
      if (!engine.pull(batch)) break;
      for (const Slice& slice : batch.slices()) out += slice.view();
      if (out.size() == before) break;
    }
    return out;
  }
  Status feed(std::string_view bytes) { return engine.feed(copy_slice(bytes)); }

  /// A request of the client side.
  RecordingStream& request(const Fields& fields, std::string body = {}, bool end = true) {
    auto stream = std::make_unique<RecordingStream>();
    stream->sending = std::move(body);
    stream->ends = end;
    kept.push_back(std::make_unique<RawFields>(fields));
    last_request = engine.request(*stream, kept.back()->list(), end && stream->sending.empty());
    RecordingStream& made = *stream;
    requests.push_back(std::move(stream));
    return made;
  }
  Status respond(RecordingStream& stream, const Fields& fields, std::string body = {},
                 bool end = true) {
    stream.sending = std::move(body);
    stream.ends = end;
    kept.push_back(std::make_unique<RawFields>(fields));
    return engine.respond(stream, kept.back()->list(), end && stream.sending.empty());
  }
  RecordingStream& stream(StreamId id) { return *streams.at(id); }

  bool refuse = false;
  bool keep_slices = false;
  int budget = 0;  // misdeeds; 0: any number
  int points = 0;
  bool goaway = false;
  StreamId goaway_last = 0;
  Reason goaway_reason = Reason::no_error;
  int settings = 0;
  int ping_acks = 0;
  Status last_request;
  std::map<Misdeed, int> misdeeds;
  std::map<StreamId, std::unique_ptr<RecordingStream>> streams;
  std::vector<std::unique_ptr<RecordingStream>> requests;
  std::vector<std::unique_ptr<RawFields>> kept;

 private:
  Limits limits_;

 public:
  BufferPool buffers;
  Engine engine;
};

/// A client and a server that exchange bytes until both are silent.
struct Pair {
  explicit Pair(const Limits& limits = {}, const FieldLimits& fields = {},
                const Limits& client_limits = {})
      : client(Side::client, client_limits), server(Side::server, limits, fields) {
    settle();
  }
  void settle() {
    for (int turn = 0; turn < 10'000; ++turn) {
      std::string up = client.pull();
      if (!up.empty()) (void)server.feed(up);
      std::string down = server.pull();
      if (!down.empty()) (void)client.feed(down);
      if (up.empty() && down.empty()) return;
    }
  }
  Peer client;
  Peer server;
};

}  // namespace weir::h2::testing
