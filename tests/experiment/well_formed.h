/// Tells whether a text is well-formed XML, as far as the reports use it: elements, quoted attributes,
/// references.
#pragma once

#include <cctype>
#include <string>
#include <string_view>
#include <vector>

namespace mq::test {

class WellFormedCheck {
 public:
  explicit WellFormedCheck(std::string_view text) : text_(text) {}

  /// Empty if the text is well-formed, else what is wrong and where.
  std::string problem() {
    while (problem_.empty() && at_ < text_.size()) text_[at_] == '<' ? read_tag() : read_character('\0');
    if (problem_.empty() && !open_.empty()) fail("<" + open_.back() + "> is never closed");
    return problem_;
  }

 private:
  void fail(const std::string& what) {
    problem_ = what + " at " + std::to_string(at_) + ": " + std::string(text_.substr(at_, 60));
  }

  bool take(std::string_view token) {
    if (!text_.substr(at_).starts_with(token)) return false;
    at_ += token.size();
    return true;
  }

  std::string read_name() {
    const std::size_t start = at_;
    while (at_ < text_.size() &&
           (std::isalnum(static_cast<unsigned char>(text_[at_])) || text_[at_] == '-' || text_[at_] == ':'))
      ++at_;
    return std::string(text_.substr(start, at_ - start));
  }

  void read_character(char quote) {
    if (text_[at_] == '<' || (quote == '\0' && text_[at_] == '>')) return fail("unescaped bracket");
    if (text_[at_] != '&') {
      ++at_;
      return;
    }
    const std::size_t end = text_.find(';', at_);
    const std::string_view name = text_.substr(at_ + 1, end == text_.npos ? 0 : end - at_ - 1);
    const bool is_number =
        name.size() > 1 && name[0] == '#' && name.find_first_not_of("0123456789", 1) == name.npos;
    if (!is_number && name != "amp" && name != "lt" && name != "gt" && name != "quot")
      return fail("bad reference");
    at_ = end + 1;
  }

  void read_tag() {
    if (take("<!DOCTYPE html>")) return;
    if (take("</")) {
      const std::string name = read_name();
      if (open_.empty() || open_.back() != name || !take(">")) return fail("</" + name + "> does not fit");
      open_.pop_back();
      return;
    }
    ++at_;
    const std::string name = read_name();
    if (name.empty()) return fail("element without a name");
    std::vector<std::string> seen;
    while (take(" ")) {
      seen.push_back(read_name());
      for (std::size_t i = 0; i + 1 < seen.size(); ++i)
        if (seen[i] == seen.back()) return fail("attribute given twice");
      if (seen.back().empty() || !take("=\"")) return fail("attribute without a quoted value");
      while (problem_.empty() && at_ < text_.size() && text_[at_] != '"') read_character('"');
      if (!problem_.empty() || !take("\""))
        return problem_.empty() ? fail("attribute without an end") : void();
    }
    if (take("/>")) return;
    if (!take(">")) return fail("element without an end");
    open_.push_back(name);
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::vector<std::string> open_;
  std::string problem_;
};

inline std::string xml_problem(std::string_view text) { return WellFormedCheck(text).problem(); }

}  // namespace mq::test
