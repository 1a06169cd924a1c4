#!/usr/bin/env bash
# toml11 3.7.1 (Debian 12, libtoml11-dev 3.7.1-3) reads three kinds of valid or merely too large numbers as other numbers, without
# an error:
#   - an integer beyond 64 bits becomes the largest one; TOML 1.0 asks for an error where a value cannot be kept exactly;
#   - a float beyond double precision becomes the largest double;
#   - where the host program has set a global C++ locale with "," for the decimal point and "." between thousands, as German
#     has them, the float 1.5 becomes 15: floats are read by a stream with the global locale, integers are not affected.
# Seen: 9223372036854775807, 1.79769e+308, 1.5, and 15 under that locale.
# Here: core/config.cpp reads the text of every number again with std::from_chars; tests/core/config_test.cpp and
# tests/experiment/locale_test.cpp hold it.
# Needs apt-get and g++.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

apt-get download libtoml11-dev=3.7.1-3 >/dev/null 2>&1
dpkg-deb -x libtoml11-dev_*.deb root
cat >numbers.cpp <<'CPP'
#include <iostream>
#include <locale>
#include <sstream>
#include <string>
#include <toml.hpp>

struct Comma : std::numpunct<char> {
  char do_decimal_point() const override { return ','; }
  char do_thousands_sep() const override { return '.'; }
  std::string do_grouping() const override { return "\3"; }
};

template <class T>
T read(const std::string& text) {
  std::istringstream stream(text);
  return toml::find<T>(toml::parse(stream, "text"), "x");
}

int main() {
  std::cout << read<std::int64_t>("x = 99999999999999999999\n") << ' ' << read<double>("x = 1e999\n") << ' '
            << read<double>("x = 1.5\n") << ' ';
  std::locale::global(std::locale(std::locale::classic(), new Comma));
  std::cout << read<double>("x = 1.5\n") << '\n';
}
CPP
g++ -std=c++17 -Iroot/usr/include numbers.cpp -o numbers
seen=$(./numbers)
expected="9223372036854775807 1.79769e+308 1.5 15"
echo "toml11 3.7.1 reads 99999999999999999999, 1e999, 1.5, and 1.5 under a comma locale as: $seen"
if [[ $seen != "$expected" ]]; then
  echo "this has changed: $expected was seen before" >&2
  exit 1
fi
