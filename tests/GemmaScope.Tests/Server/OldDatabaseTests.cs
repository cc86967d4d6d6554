using GemmaScope.Store;
using Microsoft.Data.Sqlite;
using Xunit;

namespace GemmaScope.Tests.Server;

/// <summary>A file of the first version, written with SQLite 3.35.5, under the SQLite of today.</summary>
public sealed class OldDatabaseTests : IDisposable
{
    private readonly TemporaryFolder _folder = TemporaryFolder.CopyOf(Fixtures.Path("store"));
    private readonly IFeatureDatabase _database;
    private readonly StoredDictionary _dictionary;

    public OldDatabaseTests()
    {
        _database = FeatureDatabase.Open(_folder.File("schema-1.db"));
        _dictionary = Assert.Single(_database.Dictionaries());
    }

    public void Dispose()
    {
        _database.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void its_dictionary_is_read_whole()
    {
        Assert.Equal(("tiny", "name", 3, true), (_dictionary.Model, _dictionary.Name, _dictionary.Features, _dictionary.IsComplete));
        for (var feature = 0; feature < 3; feature++)
        {
            var dashboard = _database.WholePage(_dictionary, feature)!.Feature.Dashboard;
            Assert.Equal((100 + feature, 2), (dashboard.Count, dashboard.Examples.Count));
            Assert.Equal([2, 5, 6, 7, 8, 9, 10, 11], dashboard.Examples[0].Tokens);
        }
        Assert.Equal("look again", _database.Page(_dictionary, 2)!.Note);
        Assert.Equal(1, Assert.Single(Assert.Single(_database.Lists()).Entries).Feature);
    }

    [Fact]
    public void labels_and_tokens_are_searched()
    {
        Assert.Equal(1, Assert.Single(_database.Search("anim mat", 10)).Row.Feature);
        Assert.Equal(2, Assert.Single(_database.Search("word12", 10)).Row.Feature);
    }

    [Fact]
    public void scores_of_labels_come_into_the_column_that_was_added_since() =>
        Assert.Equal([null, 0.75, null], _database.Table(_dictionary, new()).Select(row => row.Score));

    [Fact]
    public void it_is_written_to_and_opened_again()
    {
        _database.AddLabels(_dictionary, [(0, new("zebras", "someone"))]);
        _database.SaveEvaluation(_dictionary, new(StoredEvaluation.Eval, "text", 10) { L0 = 3 });
        _database.Dispose();
        using var again = FeatureDatabase.Open(_folder.File("schema-1.db"));
        Assert.Equal(0, Assert.Single(again.Search("zebra", 10)).Row.Feature);
        Assert.Equal(3, Assert.Single(again.Evaluations()[_dictionary.Id]).L0);
    }

    [Fact]
    public void the_bundled_sqlite_is_a_later_one()
    {
        using var connection = new SqliteConnection("Data Source=:memory:");
        connection.Open();
        Assert.True(new Version(connection.ServerVersion) > new Version(3, 53), connection.ServerVersion);
    }
}
