"""COUNT mappings made, then unmapped."""
import mmap
import sys

for _ in range(int(sys.argv[1])):
    mmap.mmap(-1, 8192).close()
kept = [mmap.mmap(-1, 8192) for _ in range(int(sys.argv[1]))]
for mapping in kept:
    mapping.close()
