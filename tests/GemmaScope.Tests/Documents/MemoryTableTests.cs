using GemmaScope.Models;
using Xunit;

namespace GemmaScope.Tests.Documents;

public class MemoryTableTests
{
    [Fact]
    public void the_table_says_what_the_sizes_come_to()
    {
        var page = File.ReadAllLines(Path.Combine(Fixtures.Repository, "docs", "memory.md"));
        Assert.Equal(MemoryTable.Lines(), page.Where(line => line.StartsWith("| Gemma", StringComparison.Ordinal)));
    }

    /// <summary>The formula counts the rows of a cache, which makes room for as many again.</summary>
    [Fact]
    public void a_cache_takes_what_the_formula_says()
    {
        using var model = GemmaModel.Load(Fixtures.Model("demo-pt"));
        int[] tokens = [2, .. Enumerable.Repeat(300, model.Config.Window - 1)];
        using var cache = model.NewCache();
        model.Run(tokens, cache: cache, logits: LogitRows.None).Dispose();
        Assert.InRange(cache.Bytes, model.Config.CacheBytes(tokens.Length), 2 * model.Config.CacheBytes(tokens.Length));
    }
}
