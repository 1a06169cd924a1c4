/// Text made safe for HTML and XML, whatever it contains.
#pragma once

#include <string>
#include <string_view>

namespace mq {

/// `text` for element content and quoted attributes, in HTML and XML: & < > " ' become references; bytes that
/// are not UTF-8 and control characters that XML forbids become U+FFFD.
std::string html_escape(std::string_view text);

/// A path relative to the page, as the value of `href`: percent-encoded and begun with "./", so that no name
/// can be read as a scheme ("javascript:") or a host ("//").
std::string html_link(std::string_view relative_path);

}  // namespace mq
