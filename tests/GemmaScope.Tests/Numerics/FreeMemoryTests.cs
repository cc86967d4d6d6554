using GemmaScope.Numerics;
using Xunit;

namespace GemmaScope.Tests.Numerics;

public sealed class FreeMemoryTests : IDisposable
{
    private readonly TemporaryFolder _groups = new();

    public void Dispose() => _groups.Dispose();

    [Fact]
    public void the_group_that_has_least_left_decides_and_files_in_its_memory_are_free()
    {
        Group("", "max", 900);
        Group("a", "1000", 700, files: 200);
        Group("a/b", "2000", 100);
        Assert.Equal(500, FreeMemory.OfGroups(_groups.Path, "1:name=x:/y\n0::/a/b\n"));
        Assert.Equal(500, FreeMemory.OfGroups(_groups.Path, "0::/a/none"));
    }

    [Fact]
    public void without_a_limit_no_group_decides()
    {
        Group("", "max", 900);
        Assert.Null(FreeMemory.OfGroups(_groups.Path, "0::/"));
        Assert.Null(FreeMemory.OfGroups(_groups.Path, "4:memory:/a"));
        Assert.Null(FreeMemory.OfGroups(_groups.Path, ""));
    }

    [Fact]
    public void a_block_is_whole_on_the_boundary_of_a_huge_page_and_gone_after_its_end()
    {
        foreach (var huge in new[] { true, false })
            Check(huge);

        static unsafe void Check(bool huge)
        {
            var block = LargeBlock.TryAllocate(5_000_001, huge)!;
            Assert.Equal(0, (nint)block.Pointer % LargeBlock.HugePage);
            var bytes = new Span<byte>(block.Pointer, 5_000_001);
            bytes.Fill(7);
            Assert.Equal(-1, bytes.IndexOfAnyExcept((byte)7));
            block.Dispose();
            Assert.True(block.Pointer == null);
            block.Dispose();
        }
    }

    private void Group(string path, string most, long now, long files = 0)
    {
        var folder = Path.Combine(_groups.Path, path);
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, "memory.max"), most + "\n");
        File.WriteAllText(Path.Combine(folder, "memory.current"), $"{now}\n");
        File.WriteAllText(Path.Combine(folder, "memory.stat"), $"anon 5\nfile {files}\nfile_mapped 3\n");
    }
}
