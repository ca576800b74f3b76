// The page cache: one file per entry, named by the hash of everything the page depends on.

#include "cache.h"

// Entries older than this are removed even when there is room.
constexpr int kMaxAgeDays = 45;

// Removes the oldest entries until the cache is below `max_size`.
// Holds the cache lock while it runs, so that a second kiln waits.
void Cache::evict(std::uint64_t max_size) {
  auto entries = by_age();
  while (total_size(entries) > max_size && !entries.empty()) {
    remove(entries.front());
    entries.erase(entries.begin());
  }
}
