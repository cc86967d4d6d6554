using System.Net;
using GemmaScope.Store;
using Xunit;

namespace GemmaScope.Tests.Server;

/// <summary>A search takes as long as it may, and no longer than somebody waits for it.</summary>
public class SearchBoundsTests(DemoGuard guard) : IClassFixture<DemoGuard>
{
    [Fact]
    public async Task a_search_of_too_many_or_too_long_words_is_refused_with_a_word()
    {
        await using var server = await WholeServer.Start(guard);
        using var client = new HttpClient { BaseAddress = server.Address };
        var many = string.Join('+', Enumerable.Range(0, 500).Select(i => $"word{i:000}"));
        foreach (var (query, says) in ((string, string)[])[(many, "500 words"), (new('x', 300), "300 letters")])
        foreach (var address in (string[])["/search", "/search.json"])
        {
            using var answer = await client.GetAsync($"{address}?q={query}");
            Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
            Assert.Contains(says, await answer.Content.ReadAsStringAsync());
        }
        // The same word again and again is one, and so are its beginnings.
        using var same = await client.GetAsync($"/search?q={string.Join('+', Enumerable.Repeat("c+ca+cat", 600))}");
        Assert.Equal(HttpStatusCode.OK, same.StatusCode);
        Assert.Contains("<mark>cats</mark> 1", await same.Content.ReadAsStringAsync());
    }

    [Theory]
    [InlineData("%", 0)]
    [InlineData("_", 0)]
    [InlineData("\\", 0)]
    [InlineData("\" OR *", 0)]
    [InlineData("cats NOT 1", 0)]
    [InlineData("labels:cats", 0)]
    [InlineData("^cats", 3)]
    [InlineData("cats*", 3)]
    [InlineData("NEAR(cats 1)", 0)]
    [InlineData("'; DROP TABLE page; --", 0)]
    public void what_a_search_language_would_take_for_its_own_is_text(string text, int found)
    {
        using var folder = new TemporaryFolder();
        using var database = FeatureDatabase.Open(folder.File("f.db"), create: true);
        var stored = WholeServer.Write(database, "d", 5);
        Assert.Equal(found, database.Search(text, 10).Count);
        Assert.Empty(database.Table(stored, new FeatureFilter { LabelContains = text }));
        Assert.Equal(3, database.Table(stored, new FeatureFilter { LabelContains = "CATS" }).Count);
    }

    [Fact]
    public async Task a_reading_that_nobody_waits_for_or_whose_time_is_over_is_stopped()
    {
        const string endless = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT COUNT(*) FROM n";
        using var folder = new TemporaryFolder();
        using var dialect = new SqliteDialect(folder.File("f.db"));
        using (var gone = new CancellationTokenSource())
        using (var statements = new SqlStatements(dialect.Open()).Asking())
        {
            var bounds = new ReadBounds(TimeSpan.FromHours(1), gone.Token);
            var reading = Task.Run(() => bounds.Run("f.db", statements.Interrupt, () => statements.Number(endless)));
            await gone.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading);
            Assert.Throws<OperationCanceledException>(() => bounds.Run("f.db", statements.Interrupt, () => 0));
        }
        using (var statements = new SqlStatements(dialect.Open()).Asking())
        {
            var bounds = new ReadBounds(TimeSpan.FromMilliseconds(20), default);
            var late = Assert.Throws<GemmaScopeException>(() => bounds.Run("f.db", statements.Interrupt, () => statements.Number(endless)));
            Assert.Contains("f.db: did not answer within 0", late.Message);
        }
        // Whoever was stopped disturbs nobody who gets the connection next.
        using var next = new SqlStatements(dialect.Open());
        Assert.Equal(2, next.Number("SELECT 1 + 1"));
    }

    [Fact]
    public void the_bounds_hold_for_the_flow_of_work_that_sets_them()
    {
        using var folder = new TemporaryFolder();
        using var database = FeatureDatabase.Open(folder.File("f.db"), create: true);
        WholeServer.Write(database, "d", 5);
        Bounded(() => Assert.Throws<OperationCanceledException>(() => database.Search("cats", 10)));
        Assert.Equal(3, database.Search("cats", 10).Count);

        static void Bounded(Action work) =>
            Task.Run(() =>
                {
                    FeatureDatabase.BoundReads(TimeSpan.FromHours(1), new CancellationToken(canceled: true));
                    work();
                })
                .GetAwaiter()
                .GetResult();
    }
}
