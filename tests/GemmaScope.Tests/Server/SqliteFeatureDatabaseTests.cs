using System.Data.Common;
using System.Diagnostics;
using GemmaScope.Features.Exchange;
using GemmaScope.Server.Store;
using Microsoft.Data.Sqlite;
using Xunit;

namespace GemmaScope.Tests.Server;

public sealed class SqliteFeatureDatabaseTests : FeatureDatabaseTests
{
    private readonly TemporaryFolder _folder = new();

    private string File => _folder.File("features.db");

    protected override IFeatureDatabase Open() => FeatureDatabase.Open(File, create: true);

    protected override DbConnection Connect() => new SqliteConnection($"Data Source={File}");

    public override void Dispose()
    {
        base.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void a_full_disk_says_so_and_what_was_there_stays()
    {
        var stored = Filled(1);
        using (var connection = new SqliteConnection($"Data Source={File}"))
        {
            connection.Open();
            using var count = connection.CreateCommand();
            count.CommandText = "PRAGMA wal_checkpoint(TRUNCATE); PRAGMA page_count";
            var pages = Convert.ToInt64(count.ExecuteScalar());
            using var full = new SqlFeatureDatabase(new SqliteDialect(File, Math.Max(pages, 1) + 2));
            var problem = Assert.Throws<GemmaScopeException>(() => full.Write(stored, [.. Enumerable.Range(1, 9).Select(Feature)]));
            Assert.Contains("free some space", problem.Message);
        }
        Assert.NotNull(Database.Page(stored, 0));
        Assert.Null(Database.Page(stored, 1));
        Database.Write(stored, [Feature(1)]);
        Assert.NotNull(Database.Page(stored, 1));
    }

    [Fact]
    public void a_process_that_is_killed_while_it_writes_leaves_whole_transactions()
    {
        // The command itself, in a process of its own, killed in the midst of its work.
        var text = _folder.File("text.txt");
        System.IO.File.WriteAllText(text, string.Concat(Enumerable.Range(0, 60).Select(i => $"The {i}th line says that the cat sat on mat number {i * 7 % 13}. ")));
        var command = Path.Combine(AppContext.BaseDirectory, "gemmascope.dll");
        Assert.True(System.IO.File.Exists(command));
        using (var process = Process.Start(new ProcessStartInfo("dotnet", [command, "features", "build", "--text", text, "--tokens", "500", "--window", "64", "--db", File]) { RedirectStandardOutput = true, RedirectStandardError = true })!)
        {
            var started = Stopwatch.StartNew();
            while (!process.HasExited && started.Elapsed < TimeSpan.FromSeconds(60) && Stored() is null or 0) Thread.Sleep(5);
            process.Kill(entireProcessTree: true);
            process.WaitForExit();
        }
        Assert.True(Stored() > 0);
        var before = Database.Dictionaries()[0];
        for (var feature = 0; feature < before.Features; feature++) Assert.NotNull(Database.Page(before, feature));
        Assert.Null(Database.Page(before, before.Features));
        // The same command goes on; what it makes is what one without interruption makes.
        string[] again = ["features", "build", "--text", text, "--tokens", "500", "--window", "64", "--db"];
        Assert.Equal(0, Cli.CommandLine.Run([.. again, File]).Code);
        Assert.Equal(0, Cli.CommandLine.Run([.. again, _folder.File("other.db")]).Code);
        using var other = FeatureDatabase.Open(_folder.File("other.db"));
        var (one, two) = (Database.Dictionaries()[0], other.Dictionaries()[0]);
        Assert.True(one.IsComplete && two.IsComplete);
        Assert.Equal(before.Id, one.Id);
        for (var feature = 0; feature < one.Width; feature += 37)
            Assert.Equal(Json(Database, one, feature), Json(other, two, feature));
        Assert.False(Directory.Exists(File + ".work"));
    }

    [Fact]
    public void a_database_without_evaluations_gets_them_and_keeps_what_it_has()
    {
        var stored = Filled(2);
        Database.Dispose();
        using (var connection = new SqliteConnection($"Data Source={File}"))
        {
            connection.Open();
            using var earlier = connection.CreateCommand();
            earlier.CommandText = "ALTER TABLE feature DROP COLUMN score; DROP TABLE evaluation; DELETE FROM schema_version WHERE version >= 2";
            earlier.ExecuteNonQuery();
        }
        using var database = FeatureDatabase.Open(File);
        Assert.Empty(database.Evaluations());
        Assert.NotNull(database.Page(stored, 1));
        database.SaveEvaluation(stored, new(StoredEvaluation.Build, "a text", 7) { Fvu = 0.5 });
        Assert.Equal(0.5, database.Evaluations()[stored.Id].Single().Explained);
    }

    [Fact]
    public void a_database_of_a_later_version_is_refused()
    {
        Filled(1);
        using (var connection = new SqliteConnection($"Data Source={File}"))
        {
            connection.Open();
            using var later = connection.CreateCommand();
            later.CommandText = "INSERT INTO schema_version (version) VALUES (99)";
            later.ExecuteNonQuery();
        }
        Assert.Contains("newer version", Assert.Throws<GemmaScopeException>(() => FeatureDatabase.Open(File)).Message);
    }

    [Fact]
    public void what_is_no_database_is_refused()
    {
        System.IO.File.WriteAllText(_folder.File("text.db"), string.Concat(Enumerable.Repeat("no database ", 200)));
        Assert.Contains("text.db", Assert.Throws<GemmaScopeException>(() => FeatureDatabase.Open(_folder.File("text.db"))).Message);
        Assert.Throws<ArgumentProblemException>(() => FeatureDatabase.Open(_folder.File("missing.db")));
        Assert.Throws<ArgumentProblemException>(() => FeatureDatabase.Open(_folder.Path));
    }

    [Fact]
    public void a_damaged_page_is_an_error_that_says_what_to_do()
    {
        var bytes = PageCodec.Encode(Feature(1).Dashboard);
        var random = new Random(5);
        for (var i = 0; i < 2000; i++)
        {
            var damaged = bytes.ToArray();
            damaged[random.Next(damaged.Length)] ^= (byte)(1 << random.Next(8));
            if (i % 2 == 0) damaged = damaged[..random.Next(damaged.Length)];
            try
            {
                PageCodec.Decode(damaged);
            }
            catch (GemmaScopeException)
            {
                // The only error there may be.
            }
        }
        Assert.Contains("build or import", Assert.Throws<GemmaScopeException>(() => PageCodec.Decode([1, 2])).Message);
    }

    private static string Json(IFeatureDatabase database, StoredDictionary dictionary, int feature) =>
        DashboardLines.ToJson(database.WholePage(dictionary, feature)!.Feature).ToJsonString();

    private int? Stored()
    {
        if (!System.IO.File.Exists(File)) return null;
        try
        {
            using var database = FeatureDatabase.Open(File);
            return database.Dictionaries() is [var one] ? one.Features : null;
        }
        catch (GemmaScopeException)
        {
            return null;
        }
    }
}
