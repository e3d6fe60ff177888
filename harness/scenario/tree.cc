#include "harness/scenario/tree.h"

#include "harness/scenario/screening.h"

#include <algorithm>
#include <map>
#include <sstream>

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

namespace crypelab::scenario {
namespace {

// Leaves the parser at once: what follows would be unbounded or senseless.
struct Refused {
  Position at;
  std::string message;
  std::string hint;
};

class Builder : public YAML::EventHandler {
 public:
  Builder(const Source& source, Problems& problems) : source_(source), problems_(problems) {}

  std::optional<Node> take() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ > 1) {
      throw Refused{at(mark), "a second document, or text after the end of the first", "one file holds one scenario"};
    }
  }
  // yaml-cpp 0.7 takes the end of the file for the end of a quoted text.
  void OnDocumentEnd() override {
    const auto from = static_cast<std::size_t>(std::max(last_scalar_.pos, 0));
    if (root_ && from < source_.text().size() && !closes(std::string_view(source_.text()).substr(from))) {
      throw Refused{at(last_scalar_), "a quote that is never closed", ""};
    }
  }

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    Node node = begin(mark, "", anchor);
    if (expects_key()) throw Refused{node.at, "a key is missing here", "a mapping has lines like 'key: value'"};
    // The parser places "nothing" where the next thing begins; a person looks at the key.
    if (!open_.empty() && open_.back().node.kind == Node::Kind::mapping) node.at = open_.back().key_at;
    add(std::move(node));
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    problems_.add(at(mark), "an alias", "write the value out: a scenario has neither anchors nor aliases");
    Node node;
    node.kind = Node::Kind::refused;
    node.at = at(mark);
    if (expects_key()) throw Refused{node.at, "an alias as a key", "write the key out"};
    count(mark);
    add(std::move(node));
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    Node node = begin(mark, tag, anchor);
    if (node.kind != Node::Kind::refused) node.kind = Node::Kind::scalar;
    node.text = value;
    node.plain = tag == "?";
    last_scalar_ = mark;
    if (has_control(value)) {
      problems_.add(node.at, "a control character in the value", "remove the escape sequence");
      node.kind = Node::Kind::refused;
    }
    if (expects_key()) {
      begin_entry(node);
    } else {
      add(std::move(node));
    }
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, Node::Kind::list);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, Node::Kind::mapping);
  }
  void OnMapEnd() override { close(); }

 private:
  struct Open {
    Node node;
    bool has_key = false;
    bool broken = false;   // complained about as a whole
    bool refused = false;  // the value of this key is read and thrown away
    std::string key;
    Position key_at;
    std::map<std::string, unsigned, std::less<>> lines;  // where each key stands
  };

  Position at(const YAML::Mark& mark) const {
    if (mark.is_null()) return {&source_, 0, 0};
    return position_of(source_, static_cast<std::size_t>(std::max(mark.line, 0)),
                       static_cast<std::size_t>(std::max(mark.column, 0)));
  }

  static bool has_control(const std::string& text) {
    for (std::size_t i = 0; i < text.size();) {
      const auto length = utf8_length(std::string_view(text).substr(i));
      const auto byte = static_cast<unsigned char>(text[i]);
      if (length == 0 || (byte < 0x20 && byte != '\n') || byte == 0x7F) return true;
      if (byte == 0xC2 && static_cast<unsigned char>(text[i + 1]) < 0xA0) return true;
      i += length;
    }
    return false;
  }

  // Whether a quoted text that begins here also ends; true for what is not quoted.
  static bool closes(std::string_view text) {
    const char quote = text.front();
    if (quote != '"' && quote != '\'') return true;
    for (std::size_t i = 1; i < text.size(); ++i) {
      if (quote == '"' && text[i] == '\\') {
        ++i;
      } else if (text[i] == quote) {
        if (quote == '"' || i + 1 == text.size() || text[i + 1] != quote) return true;
        ++i;
      }
    }
    return false;
  }

  bool expects_key() const {
    return !open_.empty() && open_.back().node.kind == Node::Kind::mapping && !open_.back().has_key;
  }

  void count(const YAML::Mark& mark) {
    if (++nodes_ > kMostNodes) {
      throw Refused{at(mark), "more than " + std::to_string(kMostNodes) + " values in one file", ""};
    }
  }

  Node begin(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    count(mark);
    Node node;
    node.at = at(mark);
    if (anchor != YAML::NullAnchor) {
      problems_.add(node.at, "an anchor", "write the value out: a scenario has neither anchors nor aliases");
      node.kind = Node::Kind::refused;
    }
    // "?" and "!" stand for "no tag" of plain and quoted scalars.
    if (!tag.empty() && tag != "?" && tag != "!") {
      problems_.add(node.at, "a YAML tag", "remove it: the type of a value follows from its key");
      node.kind = Node::Kind::refused;
    }
    return node;
  }

  void open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, Node::Kind kind) {
    if (expects_key()) throw Refused{at(mark), "a key must be a word", "a mapping has lines like 'key: value'"};
    Open opened;
    opened.node = begin(mark, tag, anchor);
    opened.broken = opened.node.kind == Node::Kind::refused;
    opened.node.kind = kind;
    if (open_.size() == kDeepest) {
      throw Refused{opened.node.at, "nested more than " + std::to_string(kDeepest) + " levels deep", ""};
    }
    open_.push_back(std::move(opened));
  }

  void close() {
    Node node = std::move(open_.back().node);
    if (open_.back().broken) node.kind = Node::Kind::refused;
    open_.pop_back();
    add(std::move(node));
  }

  void begin_entry(const Node& key) {
    auto& top = open_.back();
    top.has_key = true;
    top.key_at = key.at;
    top.key = key.text;
    top.refused = key.kind == Node::Kind::refused;
    if (key.text == "<<" && key.plain) {
      problems_.add(key.at, "a merge key", "write the values out: a scenario has neither anchors nor merge keys");
      top.refused = true;
    } else if (const auto [first, fresh] = top.lines.emplace(key.text, key.at.line); !fresh) {
      problems_.add(key.at, in_quotes(key.text) + " stands here a second time",
                    "the first one is in line " + std::to_string(first->second));
      top.refused = true;
    }
  }

  void add(Node node) {
    if (open_.empty()) {
      root_ = std::move(node);
      return;
    }
    auto& top = open_.back();
    if (top.node.kind == Node::Kind::list) {
      top.node.items.push_back(std::move(node));
      return;
    }
    top.has_key = false;
    if (!top.refused) top.node.entries.push_back({std::move(top.key), top.key_at, std::move(node)});
  }

  const Source& source_;
  Problems& problems_;
  std::optional<Node> root_;
  std::vector<Open> open_;
  YAML::Mark last_scalar_;
  std::size_t nodes_ = 0;
  int documents_ = 0;
};

// Where a message about the end of the text points to: the last line that has something in it.
Position last_line(const Source& source) {
  std::size_t number = source.lines();
  while (number > 1 && source.line(number).find_first_not_of(' ') == std::string_view::npos) --number;
  return position_of(source, number - 1, source.line(number).size());
}

}  // namespace

const Node* Node::find(std::string_view key) const {
  const auto found = std::ranges::find(entries, key, &Entry::key);
  return found == entries.end() ? nullptr : &found->value;
}

Node* Node::find(std::string_view key) {
  const auto found = std::ranges::find(entries, key, &Entry::key);
  return found == entries.end() ? nullptr : &found->value;
}

std::optional<Node> parse_tree(const Source& source, Problems& problems) {
  if (!screen(source, problems)) return std::nullopt;
  Builder builder(source, problems);
  try {
    std::istringstream in(source.text());
    YAML::Parser parser(in);
    const bool found = parser.HandleNextDocument(builder);
    if (found) parser.HandleNextDocument(builder);
  } catch (const Refused& refused) {
    problems.add(refused.at, refused.message, refused.hint);
    return std::nullopt;
  } catch (const YAML::Exception& error) {
    const bool known =
        !error.mark.is_null() && error.mark.line >= 0 && static_cast<std::size_t>(error.mark.line) < source.lines();
    const Position at = known ? position_of(source, static_cast<std::size_t>(error.mark.line),
                                            static_cast<std::size_t>(std::max(error.mark.column, 0)))
                              : last_line(source);
    problems.add(at, "this is not YAML: " + printable(error.msg),
                 "look at the indentation, the colons and the brackets of this line and of the one before it");
    return std::nullopt;
  }
  auto root = builder.take();
  if (!root || root->kind == Node::Kind::empty) {
    problems.add({&source, 0, 0}, "the file is empty");
    return std::nullopt;
  }
  return root;
}

Position place(const Node& root, std::initializer_list<std::string_view> path) {
  const Node* node = &root;
  for (const auto key : path) {
    const Node* next = node->find(key);
    if (next == nullptr) break;
    node = next;
  }
  return node->at;
}

Position place_of_key(const Node& root, std::initializer_list<std::string_view> path) {
  const Node* node = &root;
  Position at = root.at;
  for (const auto key : path) {
    const auto found = std::ranges::find(node->entries, key, &Entry::key);
    if (found == node->entries.end()) break;
    at = found->at;
    node = &found->value;
  }
  return at;
}

}  // namespace crypelab::scenario
