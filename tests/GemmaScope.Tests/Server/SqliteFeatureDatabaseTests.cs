using System.Data.Common;
using System.Diagnostics;
using GemmaScope.Features.Exchange;
using GemmaScope.Store;
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
            using var full = new SqlFeatureDatabase(new SqliteDialect(File, Math.Max(pages, 1)));
            var problem = Assert.Throws<GemmaScopeException>(() => full.Write(stored, [.. Enumerable.Range(1, 9).Select(Large)]));
            Assert.Contains("free some space", problem.Message);
        }
        Assert.NotNull(Database.Page(stored, 0));
        Assert.Null(Database.Page(stored, 1));
        Database.Write(stored, [Feature(1)]);
        Assert.NotNull(Database.Page(stored, 1));

        // Its page is larger than what the pages that are there leave free.
        static LabelledDashboard Large(int feature) =>
            new(
                Feature(feature).Dashboard with
                {
                    Examples = [.. Enumerable.Repeat(Feature(feature).Dashboard.Examples, 9).SelectMany(all => all)],
                },
                []
            );
    }

    [Fact]
    public void a_process_that_is_killed_while_it_writes_leaves_whole_transactions()
    {
        // The command itself, in a process of its own, killed in the midst of its work.
        var text = _folder.File("text.txt");
        System.IO.File.WriteAllText(
            text,
            string.Concat(Enumerable.Range(0, 60).Select(i => $"The {i}th line says that the cat sat on mat number {i * 7 % 13}. "))
        );
        var command = Path.Combine(AppContext.BaseDirectory, "gemmascope.dll");
        Assert.True(System.IO.File.Exists(command));
        using (
            var process = Process.Start(
                new ProcessStartInfo(
                    "dotnet",
                    [command, "features", "build", "--text", text, "--tokens", "500", "--window", "64", "--db", File]
                )
                {
                    RedirectStandardOutput = true,
                    RedirectStandardError = true,
                }
            )!
        )
        {
            Patience.Until(() => process.HasExited || Stored() > 0, "the first stored feature");
            process.Kill(entireProcessTree: true);
            process.WaitForExit();
        }
        Assert.True(Stored() > 0);
        var before = Database.Dictionaries()[0];
        for (var feature = 0; feature < before.Features; feature++)
            Assert.NotNull(Database.Page(before, feature));
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
            earlier.CommandText =
                "ALTER TABLE feature DROP COLUMN score; DROP TABLE evaluation; DELETE FROM schema_version WHERE version >= 2";
            earlier.ExecuteNonQuery();
        }
        using var database = FeatureDatabase.Open(File);
        Assert.Empty(database.Evaluations());
        Assert.NotNull(database.Page(stored, 1));
        database.SaveEvaluation(stored, new(StoredEvaluation.Build, "a text", 7) { Fvu = 0.5 });
        Assert.Equal(0.5, database.Evaluations()[stored.Id].Single().Explained);
    }

    [Fact]
    public async Task a_server_that_is_killed_while_notes_are_written_keeps_each_that_it_confirmed()
    {
        const int writers = 6;
        var stored = Filled(writers);
        var pages = Enumerable.Range(0, writers).Select(feature => $"/{stored.Model}/{stored.Name}/{feature}").ToArray();
        var confirmed = new int[writers];
        await using (var server = await ServerProcess.Start(File))
        {
            var all = Enumerable
                .Range(0, writers)
                .Select(async writer =>
                {
                    try
                    {
                        while (await server.Note(pages[writer], $"note {confirmed[writer] + 1}"))
                            Interlocked.Increment(ref confirmed[writer]);
                    }
                    catch (HttpRequestException)
                    {
                        // The server is gone.
                    }
                })
                .ToArray();
            await Patience.UntilAsync(
                () => confirmed.Sum() >= 60 || Array.TrueForAll(all, one => one.IsCompleted),
                "sixty confirmed notes"
            );
            await server.Kill();
            await Task.WhenAll(all);
        }
        Assert.True(confirmed.Sum() >= 60);
        Assert.Equal("ok", Integrity());
        for (var feature = 0; feature < writers; feature++)
            // The one that was being written may be there or not, but nothing in between.
            Assert.Contains(
                Database.Page(stored, feature)!.Note,
                new[] { $"note {confirmed[feature]}", $"note {confirmed[feature] + 1}", confirmed[feature] == 0 ? "" : null }
            );
        await using var again = await ServerProcess.Start(File);
        Assert.True(await again.Note(pages[0], "after the restart"));
        Assert.Contains("after the restart", await again.Client.GetStringAsync(pages[0]));
    }

    [Fact]
    public async Task a_server_whose_disk_is_full_goes_on_reading_and_loses_nothing_it_confirmed()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "there is no limit of file sizes");
        var stored = Filled(4);
        string Page(int feature) => $"/{stored.Model}/{stored.Name}/{feature}";
        string Note(int number) => $"note {number} " + new string('x', 9000);
        Execute("PRAGMA wal_checkpoint(TRUNCATE)");
        var confirmed = 0;
        await using (var server = await ServerProcess.Start(File, mostKibibytes: new FileInfo(File).Length / 1024 + 256))
        {
            while (confirmed < 500 && await server.Note(Page(confirmed % 4), Note(confirmed)))
                confirmed++;
            Assert.InRange(confirmed, 4, 499);
            using var form = new FormUrlEncodedContent([KeyValuePair.Create("note", Note(confirmed))]);
            using var refused = await server.Client.PostAsync(Page(0) + "/note", form);
            Assert.Equal(System.Net.HttpStatusCode.ServiceUnavailable, refused.StatusCode);
            Assert.Contains("disk", await refused.Content.ReadAsStringAsync());
            for (var feature = 0; feature < 4; feature++)
                Assert.Contains("<h1 class=\"feature\">", await server.Client.GetStringAsync(Page(feature)));
            Assert.Contains("ready", await server.Client.GetStringAsync("/healthz/ready"));
            await server.Kill();
        }
        Assert.Equal("ok", Integrity());
        for (var number = confirmed - 4; number < confirmed; number++)
            Assert.Equal(Note(number), Database.Page(stored, number % 4)!.Note);
        Database.SetNote(stored, 0, "there is room again");
        Assert.Equal("there is room again", Database.Page(stored, 0)!.Note);
    }

    [Fact]
    public void a_disk_that_is_full_at_any_moment_of_making_a_database_is_named()
    {
        var (full, made) = (0, 0);
        for (var pages = 1; pages < 60; pages++)
            try
            {
                using var database = new SqlFeatureDatabase(new SqliteDialect(_folder.File($"{pages}.db"), pages));
                database.Write(database.Begin(Source, "name", 10, "made so"), [Feature(1)]);
                made++;
            }
            catch (GemmaScopeException problem)
            {
                Assert.Equal(
                    $"{_folder.File($"{pages}.db")}: no space left on device; free some space and do the same again",
                    problem.Message
                );
                full++;
            }
        Assert.True(full > 5 && made > 5, $"{full} full, {made} made");
    }

    [Theory]
    [InlineData(13, 13, "no space left on device; free some space")]
    [InlineData(10, 778, "the disk does not read or write")]
    [InlineData(5, 5, "is locked: another process writes to it; wait for it, or stop it")]
    [InlineData(8, 1544, "cannot be written: file or folder are read-only; copy it to a folder that can be written")]
    [InlineData(14, 14, "cannot be opened; SQLite writes two more files")]
    [InlineData(11, 11, "is damaged; save what can be read")]
    [InlineData(26, 26, "is no SQLite database")]
    [InlineData(1, 1, "the database says: words")]
    public void what_sqlite_says_is_told_with_a_cure(int code, int extended, string says)
    {
        Filled(1);
        using var dialect = new SqliteDialect(File);
        Assert.StartsWith(says, dialect.Explain(new SqliteException("words", code, extended)));
    }

    [Fact]
    public void a_page_of_the_file_that_is_overwritten_is_noticed_and_named()
    {
        Filled(9);
        Execute("PRAGMA wal_checkpoint(TRUNCATE)");
        Database.Dispose();
        var bytes = System.IO.File.ReadAllBytes(File);
        bytes.AsSpan(4096).Fill(0xA5);
        System.IO.File.WriteAllBytes(File, bytes);
        var problem = Assert.Throws<GemmaScopeException>(() =>
        {
            using var database = FeatureDatabase.Open(File);
            foreach (var one in database.Dictionaries())
                database.Page(one, 1);
        });
        Assert.StartsWith($"{File}: is damaged; save what can be read", problem.Message);
    }

    [Fact]
    public void a_file_that_is_deleted_while_it_is_open_is_missed_at_once()
    {
        var stored = Filled(1);
        Database.Page(stored, 0);
        System.IO.File.Delete(File);
        Assert.Contains(
            "the file was deleted, moved or replaced",
            Assert.Throws<GemmaScopeException>(() => Database.Page(stored, 0)).Message
        );
        Assert.Contains(
            "the file was deleted, moved or replaced",
            Assert.Throws<GemmaScopeException>(() => Database.SetNote(stored, 0, "lost")).Message
        );
        Assert.Contains("the file was deleted, moved or replaced", Assert.Throws<GemmaScopeException>(() => Database.Version()).Message);
        Assert.False(System.IO.File.Exists(File));
    }

    [Fact]
    public void a_database_that_another_process_writes_to_is_opened_and_read()
    {
        var stored = Filled(2);
        using var connection = Connect();
        connection.Open();
        using var writing = connection.CreateCommand();
        writing.CommandText = "BEGIN IMMEDIATE; UPDATE page SET note = 'new'";
        writing.ExecuteNonQuery();
        using var reader = FeatureDatabase.Open(File);
        Assert.Equal("", reader.Page(stored, 1)!.Note);
        writing.CommandText = "COMMIT";
        writing.ExecuteNonQuery();
        Assert.Equal("new", reader.Page(stored, 1)!.Note);
    }

    [Fact]
    public void a_database_of_another_program_is_refused_and_not_touched()
    {
        var file = _folder.File("other.db");
        using (var connection = new SqliteConnection($"Data Source={file};Pooling=false"))
        {
            connection.Open();
            using var made = connection.CreateCommand();
            made.CommandText = "CREATE TABLE places (id INTEGER)";
            made.ExecuteNonQuery();
        }
        Assert.Contains("another program", Assert.Throws<GemmaScopeException>(() => FeatureDatabase.Open(file, create: true)).Message);
        using var again = new SqliteConnection($"Data Source={file};Pooling=false");
        again.Open();
        using var count = again.CreateCommand();
        count.CommandText = "SELECT COUNT(*) FROM sqlite_master";
        Assert.Equal(1L, count.ExecuteScalar());
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
    public void a_damaged_page_is_an_error_that_names_it_and_says_what_to_do()
    {
        var stored = Filled(2);
        Execute("UPDATE page SET page = x'0102' WHERE id % 4294967296 = 1");
        Assert.Contains(
            "the page of feature 1 of tiny/name is damaged (its bytes cannot be read); build or import the dictionary again",
            Assert.Throws<GemmaScopeException>(() => Database.Page(stored, 1)).Message
        );
        var bytes = PageCodec.Encode(Feature(1).Dashboard);
        var random = new Random(5);
        for (var i = 0; i < 2000; i++)
        {
            var damaged = bytes.ToArray();
            damaged[random.Next(damaged.Length)] ^= (byte)(1 << random.Next(8));
            if (i % 2 == 0)
                damaged = damaged[..random.Next(damaged.Length)];
            try
            {
                PageCodec.Decode(damaged);
            }
            catch (CorruptException)
            {
                // The only error there may be.
            }
        }
    }

    [Theory]
    [InlineData("UPDATE dictionary SET width = -2147483648", "tiny/name: is damaged")]
    [InlineData("UPDATE dictionary SET features = 2147483648", "tiny/name: is damaged")]
    [InlineData("UPDATE dictionary SET layer = 99999999999", "damaged")]
    [InlineData("UPDATE dictionary SET layer = -5", "the description of tiny/name is damaged ('layer' must be from 0 to 9999, found -5)")]
    [InlineData("UPDATE vocabulary SET pieces = x'FFFF'", "the description of tiny/name is damaged")]
    [InlineData("UPDATE corpus SET longest = 99999999999", "damaged")]
    [InlineData("UPDATE page SET labels = 'no JSON'", "the page of feature 1 of tiny/name is damaged")]
    [InlineData("UPDATE page SET labels = '[null]'", "('labels[0]' must not be null)")]
    [InlineData("UPDATE page SET labels = '[{}]'", "('labels[0].text' must be a label and its author)")]
    [InlineData("UPDATE page SET page = (SELECT page FROM page WHERE id % 4294967296 = 0)", "('dashboard.feature' must be 1, found 0)")]
    [InlineData("UPDATE feature SET density = NULL", "NOT NULL", true)]
    [InlineData("DELETE FROM page", "has no feature 1")]
    public void what_a_bad_database_holds_is_an_error_that_names_the_record(string statement, string says, bool refused = false)
    {
        Filled(3);
        if (refused)
        {
            Assert.Contains(says, Assert.Throws<SqliteException>(() => Execute(statement)).Message);
            return;
        }
        Execute(statement);
        var problem = Assert.ThrowsAny<GemmaScopeException>(() => GemmaScope.Workbench.FeatureResult.Read(Database, "name", 1));
        Assert.Contains(says, problem.Message);
        // Others are found all the same, and what is damaged can be made anew.
        Database.Search("word10", 10);
        Database.Delete(Database.Begin(Source, "name", 10, "anew"));
        Assert.NotNull(Database.Page(Filled(2), 1));
    }

    private static string Json(IFeatureDatabase database, StoredDictionary dictionary, int feature) =>
        DashboardLines.ToJson(database.WholePage(dictionary, feature)!.Feature).ToJsonString();

    private string Integrity() => $"{Execute("PRAGMA integrity_check")}";

    private object? Execute(string text)
    {
        using var connection = new SqliteConnection($"Data Source={File}");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = text;
        return command.ExecuteScalar();
    }

    private int? Stored()
    {
        if (!System.IO.File.Exists(File))
            return null;
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
