#include "config/yaml.h"

#include <fmt/format.h>
#include <yaml.h>

#include <algorithm>
#include <optional>
#include <set>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "config/yaml_failure.h"

namespace weir::config {

const Tree::Record& Tree::record(std::uint32_t index) const {
  const Record& own = nodes_[index];
  return own.alias ? nodes_[own.text_begin] : own;
}

Node::Kind Node::kind() const { return tree_->record(index_).kind; }
bool Node::plain() const { return tree_->record(index_).plain; }
bool Node::null() const {
  if (!is_scalar() || !plain()) return false;
  const std::string_view value = text();
  return value.empty() || value == "~" || value == "null";
}
bool Node::truncated() const { return tree_->record(index_).truncated; }
Position Node::position() const { return tree_->record(index_).position; }
std::string_view Node::text() const {
  const Tree::Record& record = tree_->record(index_);
  return std::string_view(tree_->texts_).substr(record.text_begin, record.text_length);
}
std::size_t Node::size() const {
  const Tree::Record& record = tree_->record(index_);
  return record.kind == Kind::map ? record.children / 2 : record.children;
}
bool Node::has_child() const { return tree_->record(index_).first_child != Tree::kNone; }
Node Node::first_child() const { return Node(tree_, tree_->record(index_).first_child); }
bool Node::has_next() const { return tree_->nodes_[index_].next != Tree::kNone; }
Node Node::next() const { return Node(tree_, tree_->nodes_[index_].next); }

namespace {

// YAML takes 1024 characters on one line; escaped, a byte may need six of them.
constexpr std::size_t kLongestKey = 150;
constexpr int kMostRetries = 20;  // texts with an unquoted first character that one run reports

}  // namespace

// Turns libyaml's events into records, one run over the text per object.
class YamlReader {
 public:
  YamlReader(std::string_view text, std::uint32_t file, const YamlLimits& limits, Tree& tree)
      : text_(text), file_(file), limits_(limits), tree_(tree) {
    yaml_parser_initialize(&parser_);
    yaml_parser_set_input_string(&parser_, reinterpret_cast<const unsigned char*>(text.data()),
                                 text.size());
    yaml_parser_set_encoding(&parser_, YAML_UTF8_ENCODING);
  }
  YamlReader(const YamlReader&) = delete;
  YamlReader& operator=(const YamlReader&) = delete;
  ~YamlReader() { yaml_parser_delete(&parser_); }

  // The place of a character that must be replaced before another run can go on.
  std::optional<Position> run(Diagnostics& diagnostics);

 private:
  struct Open {  // a list or map that is being read
    std::uint32_t index;
    std::uint32_t last_child = Tree::kNone;
    std::size_t nodes = 1;
    std::size_t bytes = 0;
    std::size_t height = 1;
  };
  struct Extent {  // what an alias to a finished node stands for
    std::uint32_t index;
    std::size_t nodes, bytes, height;
    bool finished;
  };

  bool take(const yaml_event_t& event, Diagnostics& diagnostics);
  bool scalar(const yaml_event_t& event, Diagnostics& diagnostics);
  bool alias(const yaml_event_t& event, Diagnostics& diagnostics);
  bool begin(const yaml_event_t& event, Node::Kind kind, Diagnostics& diagnostics);
  void end(const yaml_event_t& event);
  std::uint32_t add(const yaml_event_t& event, Node::Kind kind, std::size_t nodes,
                    std::size_t bytes, std::size_t height);
  bool is_key() const;
  void refuse_tag(const unsigned char* tag, Position position, Diagnostics& diagnostics);
  void truncate();

  Position at(const yaml_mark_t& mark) const {
    return {file_, static_cast<std::uint32_t>(mark.line + 1),
            static_cast<std::uint32_t>(mark.column + 1), 1};
  }
  Position span(const yaml_event_t& event) const;

  std::string_view text_;
  std::uint32_t file_;
  const YamlLimits& limits_;
  Tree& tree_;
  yaml_parser_t parser_;
  std::vector<Open> open_;
  std::unordered_map<std::string, Extent> anchors_;
  std::vector<std::string> open_anchors_;  // parallel to open_; empty: none
  std::size_t alias_nodes_ = 0;
  std::size_t alias_bytes_ = 0;
  std::size_t documents_ = 0;
};

Position YamlReader::span(const yaml_event_t& event) const {
  Position position = at(event.start_mark);
  const bool one_line = event.end_mark.line == event.start_mark.line;
  position.length =
      one_line ? static_cast<std::uint32_t>(event.end_mark.column - event.start_mark.column) : 0;
  return position;
}

// The next node is a key when its parent is a map with an even number of children.
bool YamlReader::is_key() const {
  if (open_.empty()) return false;
  const Tree::Record& parent = tree_.nodes_[open_.back().index];
  return parent.kind == Node::Kind::map && parent.children % 2 == 0;
}

std::uint32_t YamlReader::add(const yaml_event_t& event, Node::Kind kind, std::size_t nodes,
                              std::size_t bytes, std::size_t height) {
  const auto index = static_cast<std::uint32_t>(tree_.nodes_.size());
  Tree::Record record;
  record.kind = kind;
  record.position = span(event);
  tree_.nodes_.push_back(record);
  if (!open_.empty()) {
    Open& parent = open_.back();
    if (parent.last_child == Tree::kNone) {
      tree_.nodes_[parent.index].first_child = index;
    } else {
      tree_.nodes_[parent.last_child].next = index;
    }
    parent.last_child = index;
    ++tree_.nodes_[parent.index].children;
    parent.nodes += nodes;
    parent.bytes += bytes;
    parent.height = std::max(parent.height, height + 1);
  }
  return index;
}

void YamlReader::refuse_tag(const unsigned char* tag, Position position, Diagnostics& diagnostics) {
  if (tag == nullptr) return;
  diagnostics.error(
      position, Code::tag,
      fmt::format("the tag \"{}\" is not supported", reinterpret_cast<const char*>(tag)),
      "remove it; every key knows the type of its value");
}

bool YamlReader::scalar(const yaml_event_t& event, Diagnostics& diagnostics) {
  const auto& data = event.data.scalar;
  const bool key = is_key();
  const std::string_view value(reinterpret_cast<const char*>(data.value), data.length);
  const std::uint32_t index = add(event, Node::Kind::scalar, 1, value.size(), 0);
  Tree::Record& record = tree_.nodes_[index];
  record.plain = data.style == YAML_PLAIN_SCALAR_STYLE;
  record.text_begin = static_cast<std::uint32_t>(tree_.texts_.size());
  record.text_length = static_cast<std::uint32_t>(value.size());
  tree_.texts_.append(value);
  refuse_tag(data.tag, record.position, diagnostics);
  if (data.anchor != nullptr) {
    anchors_[reinterpret_cast<const char*>(data.anchor)] = {index, 1, value.size(), 0, true};
  }
  if (value.find('\0') != std::string_view::npos) {
    diagnostics.error(record.position, Code::nul_character, "the text contains a NUL character");
    record.kind = Node::Kind::broken;
  } else if (key && record.plain && value == "<<") {
    diagnostics.error(record.position, Code::merge_key, "merge keys (\"<<\") are not supported",
                      "write the keys out, or alias a whole value");
    record.kind = Node::Kind::broken;
  } else if (key && value.empty()) {
    diagnostics.error(record.position, Code::bad_key, "a key must not be empty");
    record.kind = Node::Kind::broken;
  } else if (key && value.size() > kLongestKey) {
    diagnostics.error(record.position, Code::bad_key,
                      fmt::format("a key of {} bytes; the limit is {}", value.size(), kLongestKey));
    record.kind = Node::Kind::broken;
  }
  return true;
}

bool YamlReader::alias(const yaml_event_t& event, Diagnostics& diagnostics) {
  const std::string name = reinterpret_cast<const char*>(event.data.alias.anchor);
  const bool key = is_key();
  const auto found = anchors_.find(name);
  const bool known = found != anchors_.end() && found->second.finished;
  const Extent extent = known ? found->second : Extent{0, 1, 0, 0, true};
  const std::uint32_t index =
      add(event, Node::Kind::broken, extent.nodes, extent.bytes, extent.height);
  Tree::Record& record = tree_.nodes_[index];
  if (key) {
    diagnostics.error(record.position, Code::bad_key, "an alias cannot be a key");
    return true;
  }
  if (found == anchors_.end()) {
    diagnostics.error(
        record.position, Code::unknown_anchor,
        fmt::format("\"*{}\" is an alias, and no anchor \"&{}\" stands above it", name, name),
        fmt::format("if no alias is meant, put the text in quotes: \"*{}\"", name));
    return true;
  }
  if (!known) {
    diagnostics.error(record.position, Code::alias_budget,
                      fmt::format("the alias \"*{}\" contains itself", name));
    return true;
  }
  alias_nodes_ += extent.nodes;
  alias_bytes_ += extent.bytes;
  if (alias_nodes_ > limits_.alias_nodes || alias_bytes_ > limits_.alias_bytes) {
    diagnostics.error(record.position, Code::alias_budget,
                      fmt::format("the aliases up to \"*{}\" stand for too much: the limit is {} "
                                  "values and {} bytes",
                                  name, limits_.alias_nodes, limits_.alias_bytes));
    return false;
  }
  if (open_.size() + extent.height > limits_.depth) {
    diagnostics.error(record.position, Code::too_deep,
                      fmt::format("more than {} levels of lists and maps", limits_.depth));
    return false;
  }
  record.alias = true;
  record.text_begin = extent.index;
  return true;
}

bool YamlReader::begin(const yaml_event_t& event, Node::Kind kind, Diagnostics& diagnostics) {
  if (open_.size() >= limits_.depth) {
    diagnostics.error(at(event.start_mark), Code::too_deep,
                      fmt::format("more than {} levels of lists and maps", limits_.depth));
    return false;
  }
  if (is_key()) {
    diagnostics.error(at(event.start_mark), Code::bad_key, "a list or map cannot be a key",
                      "check for a stray \"?\", \"[\" or \"{\"");
    return false;
  }
  const bool list = kind == Node::Kind::list;
  const auto* anchor = list ? event.data.sequence_start.anchor : event.data.mapping_start.anchor;
  const auto* tag = list ? event.data.sequence_start.tag : event.data.mapping_start.tag;
  // The extent is added to the parent when the list or map ends.
  const std::uint32_t index = add(event, kind, 0, 0, 0);
  refuse_tag(tag, tree_.nodes_[index].position, diagnostics);
  open_.push_back({index});
  open_anchors_.emplace_back(anchor == nullptr ? "" : reinterpret_cast<const char*>(anchor));
  if (anchor != nullptr) anchors_[open_anchors_.back()] = {index, 0, 0, 0, false};
  return true;
}

void YamlReader::end(const yaml_event_t& event) {
  const Open done = open_.back();
  open_.pop_back();
  Tree::Record& record = tree_.nodes_[done.index];
  const bool one_line = record.position.line == event.end_mark.line + 1;
  record.position.length =
      one_line ? static_cast<std::uint32_t>(event.end_mark.column + 1 - record.position.column) : 0;
  if (!open_anchors_.back().empty()) {
    anchors_[open_anchors_.back()] = {done.index, done.nodes, done.bytes, done.height, true};
  }
  open_anchors_.pop_back();
  if (open_.empty()) return;
  Open& parent = open_.back();
  parent.nodes += done.nodes;
  parent.bytes += done.bytes;
  parent.height = std::max(parent.height, done.height + 1);
}

bool YamlReader::take(const yaml_event_t& event, Diagnostics& diagnostics) {
  const bool node = event.type == YAML_ALIAS_EVENT || event.type == YAML_SCALAR_EVENT ||
                    event.type == YAML_SEQUENCE_START_EVENT ||
                    event.type == YAML_MAPPING_START_EVENT;
  if (node && tree_.nodes_.size() >= limits_.nodes) {
    diagnostics.error(at(event.start_mark), Code::too_many_nodes,
                      fmt::format("more than {} keys and values", limits_.nodes));
    return false;
  }
  switch (event.type) {
    case YAML_DOCUMENT_START_EVENT:
      if (++documents_ == 1) return true;
      diagnostics.error(at(event.start_mark), Code::several_documents,
                        "a second document begins here", "keep one document in a file");
      return false;
    case YAML_ALIAS_EVENT: return alias(event, diagnostics);
    case YAML_SCALAR_EVENT: return scalar(event, diagnostics);
    case YAML_SEQUENCE_START_EVENT: return begin(event, Node::Kind::list, diagnostics);
    case YAML_MAPPING_START_EVENT: return begin(event, Node::Kind::map, diagnostics);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT: end(event); return true;
    default: return true;
  }
}

void YamlReader::truncate() {
  for (const Open& open : open_) {
    Tree::Record& record = tree_.nodes_[open.index];
    record.truncated = true;
    record.position.length = 1;
    // A key whose value is missing: the key goes too.
    if (record.kind != Node::Kind::map || record.children % 2 == 0) continue;
    tree_.nodes_[open.last_child].kind = Node::Kind::broken;
  }
  tree_.complete_ = false;
}

std::optional<Position> YamlReader::run(Diagnostics& diagnostics) {
  bool more = true;
  while (more) {
    yaml_event_t event;
    if (yaml_parser_parse(&parser_, &event) == 0) {
      truncate();
      const YamlFailure failure = explain_failure(parser_, text_, file_);
      diagnostics.error(failure.position, failure.code, failure.message, failure.help);
      return failure.code == Code::unquoted_character ? std::optional(failure.position)
                                                      : std::nullopt;
    }
    more = event.type != YAML_STREAM_END_EVENT;
    if (more && !take(event, diagnostics)) {
      truncate();
      more = false;
    }
    yaml_event_delete(&event);
  }
  return std::nullopt;
}

namespace {

using TextAt = std::pair<std::string_view, Node>;

// Reports each key that its map already has. Sorting keeps large maps cheap.
void refuse_duplicates(Node map, Diagnostics& diagnostics) {
  std::vector<TextAt> keys;
  for (Node key = map.first_child();;) {
    if (key.is_scalar()) keys.emplace_back(key.text(), key);
    if (!key.has_next()) break;
    const Node value = key.next();
    if (!value.has_next()) break;
    key = value.next();
  }
  const auto order = [](const TextAt& key) {
    const Position position = key.second.position();
    return std::tuple(key.first, position.line, position.column);
  };
  std::sort(keys.begin(), keys.end(),
            [&](const TextAt& a, const TextAt& b) { return order(a) < order(b); });
  std::size_t first = 0;  // of the run of equal keys
  for (std::size_t i = 1; i < keys.size(); ++i) {
    if (keys[i].first != keys[first].first) {
      first = i;
      continue;
    }
    diagnostics.error(keys[i].second.position(), Code::duplicate_key,
                      fmt::format("the key \"{}\" already stands on line {}", keys[i].first,
                                  keys[first].second.position().line),
                      "remove one of the two");
  }
}

}  // namespace

Tree Tree::read(std::string_view text, std::uint32_t file, Diagnostics& diagnostics,
                const YamlLimits& limits) {
  Tree tree;
  if (text.size() > limits.bytes) {
    diagnostics.error(
        {file}, Code::file_too_large,
        fmt::format("the file has {} bytes; the limit is {}", text.size(), limits.bytes));
    tree.complete_ = false;
    return tree;
  }
  std::string patched;
  std::set<std::pair<std::uint32_t, std::uint32_t>> patches;
  for (int attempt = 0; attempt <= kMostRetries; ++attempt) {
    tree = Tree{};
    Diagnostics run;
    YamlReader reader(attempt == 0 ? text : std::string_view(patched), file, limits, tree);
    const auto patch = reader.run(run);
    // Every run repeats what the runs before it found, except what was patched.
    const bool last = !patch || attempt == kMostRetries;
    const std::vector<Diagnostic> found = run.sorted();
    for (const Diagnostic& entry : found) {
      if (last || entry.code == Code::unquoted_character) {
        diagnostics.error(entry.position, entry.code, entry.message, entry.help);
      }
    }
    if (last) break;
    if (attempt == 0) patched = text;
    patched[offset_of(patched, *patch)] = 'x';
    patches.emplace(patch->line, patch->column);
  }
  for (std::uint32_t i = 0; i < tree.nodes_.size(); ++i) {
    Record& record = tree.nodes_[i];
    if (patches.contains({record.position.line, record.position.column}) &&
        record.kind == Node::Kind::scalar) {
      record.kind = Node::Kind::broken;
    }
  }
  for (std::uint32_t i = 0; i < tree.nodes_.size(); ++i) {
    const Record& record = tree.nodes_[i];
    if (!record.alias && record.kind == Node::Kind::map && record.children > 0) {
      refuse_duplicates(Node(&tree, i), diagnostics);
    }
  }
  return tree;
}

}  // namespace weir::config
