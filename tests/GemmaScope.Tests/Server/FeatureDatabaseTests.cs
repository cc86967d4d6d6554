using System.Data.Common;
using GemmaScope.Features.Exchange;
using GemmaScope.Features.Statistics;
using GemmaScope.Models;
using GemmaScope.Store;
using Npgsql;
using Xunit;

namespace GemmaScope.Tests.Server;

/// <summary>What a database of features does, whichever engine it is.</summary>
public abstract class FeatureDatabaseTests : IDisposable
{
    protected static DashboardSource Source { get; } =
        new()
        {
            Model = "tiny",
            Set = "set",
            Layer = 3,
            Hook = "blocks.3.hook_resid_post",
            Corpus = new(100, 12_800, 12_700, 128),
            Text = "a text",
            Pieces = [.. Enumerable.Range(0, 1000).Select(i => i == 900 ? "▁Cap\0ital" : $"▁word{i}")],
            Bos = 2,
            Pad = 0,
        };

    private IFeatureDatabase? _database;

    internal IFeatureDatabase Database => _database ??= Open();

    protected abstract IFeatureDatabase Open();

    /// <summary>The same database opened a second time.</summary>
    private IFeatureDatabase Again()
    {
        _ = Database;
        return Open();
    }

    /// <summary>How the same database is reached beside all that this program knows of it.</summary>
    protected abstract DbConnection Connect();

    public virtual void Dispose()
    {
        _database?.Dispose();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public void a_page_comes_back_with_the_losses_that_are_documented()
    {
        var (stored, feature) = (Filled(3), Feature(1));
        var page = Database.Page(stored, 1)!.Feature.Dashboard;
        var want = feature.Dashboard;
        Assert.Equal(
            (want.Feature, want.Count, want.CountElsewhere, want.Max, want.MaxSequence, want.MaxPosition, want.MaxToken),
            (page.Feature, page.Count, page.CountElsewhere, page.Max, page.MaxSequence, page.MaxPosition, page.MaxToken)
        );
        Assert.Equal(want.Histogram, page.Histogram);
        Assert.Equal(want.Logits!.Top.Select(score => score.Token), page.Logits!.Top.Select(score => score.Token));
        Assert.All(want.Logits.Top.Zip(page.Logits.Top), pair => Assert.Equal(pair.First.Value, pair.Second.Value, 0.001));
        Assert.Null(page.GainedLogits);
        Assert.Equal(want.Examples.Count, page.Examples.Count);
        foreach (var (whole, excerpt) in want.Examples.Zip(page.Examples))
        {
            Assert.Equal(whole.Position, excerpt.Start + excerpt.Position);
            Assert.Equal(whole.Tokens.Skip(excerpt.Start).Take(excerpt.Tokens.Count), excerpt.Tokens);
            Assert.Equal(whole.Values[whole.Position], excerpt.Values[excerpt.Position]);
        }
    }

    [Fact]
    public void a_whole_page_has_the_whole_passages_and_no_activation_vanishes()
    {
        var page = Database.WholePage(Filled(3), 2)!.Feature.Dashboard;
        foreach (var (want, got) in Feature(2).Dashboard.Examples.Zip(page.Examples))
        {
            Assert.Equal((want.Sequence, want.Position, 0), (got.Sequence, got.Position, got.Start));
            Assert.Equal(want.Tokens, got.Tokens);
            Assert.All(
                want.Values.Zip(got.Values),
                pair =>
                {
                    Assert.Equal(pair.First > 0, pair.Second > 0);
                    Assert.Equal(pair.First, pair.Second, want.Values.Max() / 255.0);
                }
            );
            Assert.All(
                (want.Sources ?? []).Zip(got.Sources ?? []),
                pair => Assert.Equal(pair.First, pair.Second, want.Sources!.Max(Math.Abs) / 200.0)
            );
            Assert.Equal(want.Sources?.Count, got.Sources?.Count);
        }
    }

    [Fact]
    public void the_source_comes_back()
    {
        var source = Database.Source(Filled(1));
        Assert.Equal(Source.Pieces, source.Pieces);
        Assert.Equal(
            (Source.Model, Source.Set, Source.Layer, Source.Hook, Source.Corpus, Source.Text, Source.Bos, Source.Pad),
            (source.Model, source.Set, source.Layer, source.Hook, source.Corpus, source.Text, source.Bos, source.Pad)
        );
    }

    [Fact]
    public void a_dictionary_is_found_by_its_name_and_by_its_models_where_two_have_one()
    {
        var stored = Filled(1);
        Assert.Equal(stored.Id, Database.Find("name").Id);
        Assert.Contains("has tiny/name", Assert.Throws<ArgumentProblemException>(() => Database.Find("other")).Message);
        var second = Database.Begin(Source with { Model = "large" }, "name", 10, "made so");
        Assert.Contains("large/name, tiny/name", Assert.Throws<ArgumentProblemException>(() => Database.Find("name")).Message);
        Assert.Equal((stored.Id, second.Id), (Database.Find("tiny/name").Id, Database.Find("large/name").Id));
    }

    [Fact]
    public void what_is_not_there_is_null()
    {
        var stored = Filled(2);
        Assert.Null(Database.Page(stored, 2));
        Assert.Null(Database.Page(stored with { Id = 77 }, 0));
    }

    [Fact]
    public void the_version_is_another_one_after_any_change_also_of_another_program()
    {
        var stored = Filled(2);
        using var other = Open();
        var versions = new List<string> { Database.Version() };
        foreach (
            var (change, place) in (
                (Action<IFeatureDatabase>[])
                    [
                        db => db.SetNote(stored, 0, "a note"),
                        db => db.AddLabels(stored, [(1, new FeatureLabel("a label", "someone", "by hand"))]),
                        db => db.SaveList("a list", ""),
                        db => db.Write(stored, [Feature(2)]),
                    ]
            ).Select((change, i) => (change, i))
        )
        {
            Assert.Equal(versions[^1], Database.Version());
            change(place % 2 == 0 ? other : Database);
            versions.Add(Database.Version());
        }
        Assert.Equal(versions.Count, versions.Distinct().Count());
    }

    [Fact]
    public void a_build_goes_on_and_another_one_replaces_it()
    {
        var stored = Filled(3);
        Assert.Equal(
            (3, false),
            (Database.Begin(Source, "name", 10, "made so").Features, Database.Begin(Source, "name", 10, "made so").IsComplete)
        );
        Database.Complete(stored);
        Assert.True(Database.Begin(Source, "name", 10, "made so").IsComplete);
        var other = Database.Begin(Source, "name", 10, "made otherwise");
        Assert.Equal(0, other.Features);
        Assert.Null(Database.Page(other, 0));
        Assert.Single(Database.Dictionaries());
    }

    [Fact]
    public void the_table_is_filtered_by_density_and_label()
    {
        var stored = Filled(10);
        Assert.Equal(10, Database.Table(stored, new()).Count);
        Assert.Equal([3, 4], Database.Table(stored, new() { LowestDensity = 0.03, HighestDensity = 0.045 }).Select(row => row.Feature));
        Assert.Equal([0], Database.Table(stored, new() { HighestDensity = 0 }).Select(row => row.Feature));
        Assert.Equal([5, 6], Database.Table(stored, new() { Skip = 5, Take = 2 }).Select(row => row.Feature));
        Database.AddLabels(stored, [(4, new FeatureLabel("100% Sure_thing", "me"))]);
        Assert.Equal([4], Database.Table(stored, new() { LabelContains = "0% sure_" }).Select(row => row.Feature));
        Assert.Empty(Database.Table(stored, new() { LabelContains = "0_ sure" }));
    }

    [Fact]
    public void labels_are_kept_by_author_and_found_by_their_words()
    {
        var stored = Filled(5);
        Database.AddLabels(
            stored,
            [
                (1, new FeatureLabel("notions of time travel", "me", Score: 0.5)),
                (1, new FeatureLabel("Reisen", "you")),
                (2, new FeatureLabel("travel by train", "me")),
            ]
        );
        Database.AddLabels(stored, [(1, new FeatureLabel("time machines", "me"))]);
        Assert.Equal(["Reisen", "time machines"], Database.Page(stored, 1)!.Feature.Labels.Select(label => label.Text));
        Assert.Equal([2], Database.Search("trav", 10).Select(hit => hit.Row.Feature));
        Assert.Equal([1], Database.Search("MACH tim", 10).Select(hit => hit.Row.Feature));
        Assert.Empty(Database.Search("\"' OR 1=1 -- *", 10));
        Assert.Empty(Database.Search("--", 10));
        Assert.Contains(
            "no feature 99",
            Assert.Throws<ArgumentProblemException>(() => Database.AddLabels(stored, [(99, new FeatureLabel("x"))])).Message
        );
    }

    [Fact]
    public void a_line_of_the_table_has_the_score_of_its_label_and_a_database_of_the_first_version_learns_it()
    {
        var stored = Filled(5);
        Database.AddLabels(
            stored,
            [
                (1, new FeatureLabel("first", "me", Score: 0.75)),
                (1, new FeatureLabel("second", "you", Score: 0.5)),
                (2, new FeatureLabel("plain")),
            ]
        );
        double?[] scores = [null, 0.75, null, null, null];
        Assert.Equal(scores, Database.Table(stored, new()).Select(row => row.Score));
        Reopen("ALTER TABLE feature DROP COLUMN score", "DROP TABLE evaluation", "DELETE FROM schema_version WHERE version > 1");
        Assert.Equal(scores, Database.Table(stored, new()).Select(row => row.Score));
        Database.AddLabels(stored, [(1, new FeatureLabel("third", "me", Score: 0.25))]);
        Assert.Equal(("second", 0.5), (Database.Rows(stored, [1])[0].Label, Database.Rows(stored, [1])[0].Score));
    }

    [Fact]
    public void labels_stand_in_the_order_in_which_they_are_shown_and_keep_both_scores()
    {
        var stored = Filled(3);
        var rule = new FeatureLabel("tokens: \" the\"", "token rules", "rules 1", 0.61, FeatureLabel.DetectionScore, 0.7, "text AB");
        var better = new FeatureLabel("articles", "a-model", "prompt 1", 0.92, FeatureLabel.DetectionScore, 0.88, "text AB");
        var everywhere = new FeatureLabel("only fuzzing", "demo-it", "prompt 1", null, FeatureLabel.DetectionScore, 0.55, "text AB");
        Database.AddLabels(stored, [(1, everywhere), (1, rule), (1, better)]);
        Assert.Equal([better, rule, everywhere], Database.Page(stored, 1)!.Feature.Labels);
        Assert.Equal("articles", Assert.Single(Database.Rows(stored, [1])).Label);
        var mine = new FeatureLabel("by hand", "me");
        Database.AddLabels(stored, [(1, mine), (1, rule with { Score = 0.95 })]);
        Assert.Equal([mine, rule with { Score = 0.95 }, better, everywhere], Database.Page(stored, 1)!.Feature.Labels);
    }

    [Fact]
    public void the_passages_of_a_dictionarys_examples_are_all_there_once()
    {
        var stored = Filled(3);
        var wanted = Enumerable
            .Range(0, 3)
            .SelectMany(index => Feature(index).Dashboard.Examples)
            .DistinctBy(example => example.Sequence)
            .OrderBy(example => example.Sequence)
            .Select(example => example.Tokens);
        Assert.NotEmpty(wanted);
        Assert.Equal(wanted, Database.Passages(stored));
    }

    [Fact]
    public void promoted_words_are_found()
    {
        var stored = Filled(5);
        Assert.Equal(5, Database.Search("word10", 100).Count);
        Assert.Equal("tiny", Database.Search("word10", 1)[0].Model);
        Assert.Equal(5, Database.Search("ital", 100).Count);
        Assert.NotNull(Database.Page(stored, 0));
    }

    [Fact]
    public void a_search_within_a_dictionary_finds_only_its_features()
    {
        var (one, other) = (Filled(5), Database.Begin(Source, "other", 10, "made so"));
        Database.Write(other, [Feature(0), Feature(1)]);
        Assert.Equal(7, Database.Search("word10", 100).Count);
        Assert.Equal(
            [("name", 5), ("other", 2)],
            ((StoredDictionary[])[one, other]).SelectMany(within =>
                Database.Search("word10", 100, within).GroupBy(hit => hit.Dictionary).Select(group => (group.Key, group.Count()))
            )
        );
    }

    [Fact]
    public void evaluations_are_kept_by_origin_and_text_and_go_with_their_dictionary()
    {
        var stored = Filled(1);
        var full = new StoredEvaluation(StoredEvaluation.Eval, "a text", 123)
        {
            HeldOut = true,
            L0 = 35.5,
            Fvu = 0.25,
            Cosine = 0.9,
            CleanLoss = 3.5,
            DeltaLoss = 0.125,
            LossRecovered = 0.97,
        };
        Database.SaveEvaluation(stored, full with { L0 = 1 });
        Database.SaveEvaluation(stored, full);
        Database.SaveEvaluation(stored, new(StoredEvaluation.Build, "a text", 7) { Fvu = double.NaN });
        Assert.Equal([full, new(StoredEvaluation.Build, "a text", 7)], Database.Evaluations()[stored.Id]);
        Assert.Equal(0.75, full.Explained);
        Assert.Contains(
            "not there any more",
            Assert.Throws<GemmaScopeException>(() => Database.SaveEvaluation(stored with { Id = 77 }, full)).Message
        );
        Database.Delete(stored);
        Assert.Empty(Database.Evaluations());
    }

    [Fact]
    public void notes_and_lists_are_the_users()
    {
        var stored = Filled(5);
        Database.SetNote(stored, 3, "look again");
        Assert.Equal("look again", Database.Page(stored, 3)!.Note);
        Database.Write(stored, [Feature(3)]);
        Assert.Equal("look again", Database.Page(stored, 3)!.Note);
        var list = Database.SaveList("cities", "of France");
        Assert.Equal(list, Database.SaveList("cities", "of all countries"));
        Database.AddToList(list, stored, 4, "Paris");
        Database.AddToList(list, stored, 1, "");
        Database.AddToList(list, stored, 4, "Lyon");
        var found = Assert.Single(Database.Lists());
        Assert.Equal(("cities", "of all countries"), (found.Name, found.Note));
        Assert.Equal([new FeatureListEntry("tiny", "name", 4, "Lyon"), new("tiny", "name", 1, "")], found.Entries);
        Database.RemoveFromList(list, stored, 4);
        Assert.Single(Database.Lists()[0].Entries);
        Assert.Throws<ArgumentProblemException>(() => Database.AddToList(list, stored, 99, ""));
        Database.Delete(stored);
        Assert.Empty(Database.Lists()[0].Entries);
        Database.DeleteList(list);
        Assert.Empty(Database.Lists());
    }

    [Fact]
    public void a_write_that_fails_leaves_nothing_behind()
    {
        var stored = Filled(2);
        Assert.Throws<ArgumentProblemException>(() => Database.Write(stored, [Feature(2), Feature(10)]));
        Assert.Null(Database.Page(stored, 2));
        Assert.Equal(2, Database.Dictionaries()[0].Features);
    }

    [Fact]
    public async Task many_readers_and_a_writer_go_on_at_the_same_time()
    {
        var stored = Filled(5);
        var readers = Enumerable
            .Range(0, 4)
            .Select(_ =>
                Task.Run(() =>
                {
                    for (var i = 0; i < 50; i++)
                        Assert.NotNull(Database.Page(stored, i % 5));
                })
            );
        var writer = Task.Run(() =>
        {
            for (var i = 0; i < 20; i++)
                Database.SetNote(stored, i % 5, $"{i}");
        });
        await Task.WhenAll([.. readers, writer]);
    }

    [Fact]
    public void what_users_wrote_waits_for_the_features_that_are_made_of_another_text()
    {
        var stored = Filled(5);
        var (mine, rule) = (new FeatureLabel("by hand", "me"), new FeatureLabel("tokens", "token rules", "rules 1", 0.6));
        Database.AddLabels(stored, [(3, mine), (3, rule)]);
        Database.SetNote(stored, 3, "look again");
        Database.AddToList(Database.SaveList("cities", ""), stored, 3, "Paris");
        // Written anew by the same build, the labels are still there.
        Database.Write(stored, [Feature(3)]);
        Assert.Equal([mine, rule], Database.Page(stored, 3)!.Feature.Labels);

        var again = Database.Begin(Source, "name", 10, "made of another text");
        Assert.Equal(0, again.Features);
        Assert.Null(Database.Page(again, 3));
        Assert.Empty(Database.Rows(again, [3]));
        Assert.Empty(Database.Search("hand", 10, null));
        Database.Write(again, [.. Enumerable.Range(0, 5).Select(Feature)]);
        var page = Database.Page(again, 3)!;
        Assert.Equal([mine, rule], page.Feature.Labels);
        Assert.Equal("look again", page.Note);
        Assert.Equal("by hand", Assert.Single(Database.Rows(again, [3])).Label);
        Assert.Single(Database.Search("hand", 10, null));
        Assert.Equal(3, Assert.Single(Database.Lists()[0].Entries).Feature);
        Assert.Empty(Database.Page(again, 2)!.Feature.Labels);

        // Features of another width are other features.
        var other = Database.Begin(Source, "name", 12, "wider");
        Database.Write(other, [.. Enumerable.Range(0, 5).Select(Feature)]);
        Assert.Empty(Database.Page(other, 3)!.Feature.Labels);
        Assert.Empty(Database.Lists()[0].Entries);
    }

    [Fact]
    public void two_jobs_never_write_one_dictionary_at_once()
    {
        using var other = Again();
        using (Database.Reserve([("tiny", "b"), ("tiny", "a")]))
        {
            var refused = Assert.Throws<GemmaScopeException>(() => other.Reserve([("tiny", "c"), ("tiny", "b")]));
            Assert.Contains("tiny/b is being written by ", refused.Message);
            Assert.Contains($"process{(this is PostgresFeatureDatabaseTests ? $" {Environment.ProcessId}" : "")}", refused.Message);
            // What was refused holds nothing, and other dictionaries may be written.
            other.Reserve([("tiny", "c"), ("large", "b")]).Dispose();
        }
        other.Reserve([("tiny", "a"), ("tiny", "b")]).Dispose();
    }

    [Fact]
    public void who_writes_to_a_dictionary_that_was_begun_anew_is_refused()
    {
        var before = Filled(2);
        var now = Database.Begin(Source, "name", 10, "made of another text");
        Assert.Equal(before.Id, now.Id);
        Assert.Contains("begun anew", Assert.Throws<GemmaScopeException>(() => Database.Write(before, [Feature(3)])).Message);
        Assert.Contains("begun anew", Assert.Throws<GemmaScopeException>(() => Database.Complete(before)).Message);
        Assert.Equal((0, false), (Database.Dictionaries()[0].Features, Database.Dictionaries()[0].IsComplete));
    }

    [Fact]
    public void a_reader_never_sees_pages_of_another_build_than_the_one_it_found()
    {
        var before = Filled(2);
        using var other = Again();
        var now = other.Begin(Source with { Pieces = ["others"] }, "name", 10, "made of another text");
        other.Write(now, [Feature(1)]);
        Assert.Null(Database.Page(before, 1));
        Assert.Contains("begun anew", Assert.Throws<GemmaScopeException>(() => Database.Source(before)).Message);
        Assert.NotNull(Database.Page(now, 1));
        Assert.Equal(["others"], Database.Source(now).Pieces);
    }

    internal StoredDictionary Filled(int features)
    {
        var stored = Database.Begin(Source, "name", 10, "made so");
        Database.Write(stored, [.. Enumerable.Range(0, features).Select(Feature)]);
        return stored;
    }

    /// <summary>Closes the database, changes it by hand, and opens it again.</summary>
    private void Reopen(params string[] statements)
    {
        Database.Dispose();
        _database = null;
        using (var connection = Connect())
        {
            connection.Open();
            foreach (var statement in statements)
            {
                using var command = connection.CreateCommand();
                command.CommandText = statement;
                command.ExecuteNonQuery();
            }
        }
        _ = Database;
    }

    internal static LabelledDashboard Feature(int feature)
    {
        var random = new Random(feature);
        FeatureExample Example(int interval)
        {
            float[] values =
            [
                .. Enumerable
                    .Range(0, 60)
                    .Select(i => i > 0 && random.Next(5) == 0 ? random.NextSingle() * random.NextSingle() * 9 + 0.001f : 0),
            ];
            values[30] = 10;
            return new(
                interval,
                feature * 10 + interval + 1,
                30,
                [2, .. Enumerable.Range(1, 59).Select(_ => random.Next(3, 500))],
                values,
                interval < 0 ? [.. values.Select((_, i) => i <= 30 ? random.NextSingle() - 0.5f : 0)] : null
            );
        }
        return new(
            new FeatureDashboard
            {
                Feature = feature,
                Count = feature * 127,
                CountElsewhere = 3,
                Density = feature / 100.0,
                DensityAllPositions = feature / 101.0,
                Max = 10,
                MaxAnywhere = 11,
                MaxSequence = 5,
                MaxPosition = 30,
                MaxToken = 7,
                MeanNonzero = 2.5,
                Histogram = [.. Enumerable.Range(0, 50).Select(_ => random.Next(1000))],
                IntervalShares = [0.1, 0.05, 0.02, 0.01, 0.005],
                DecoderNorm = 1.5f,
                Examples = [Example(-1), Example(4), Example(2)],
                HeadShares = [0.25f, 0.75f],
                Alignment = [new(3, -0.5f, 0.25f)],
                Neighbours = [new(9, 0.5f)],
                CorrelatedFeatures = [new(8, 0.5f, 0.25f)],
                CorrelatedNeurons = [new(7, -0.5f, 0.25f)],
                Together = [new(6, 1234)],
                Logits = new([new TokenScore(10, 1.234f), new(900, 1.1f)], [new TokenScore(11, -2.345f)], -3, 3, [1, 2, 3]),
            },
            []
        );
    }
}

public sealed class PostgresFeatureDatabaseTests(PostgresServer server) : FeatureDatabaseTests, IClassFixture<PostgresServer>
{
    private string? _address;

    protected override IFeatureDatabase Open() => FeatureDatabase.Open(_address ??= server.NewDatabase());

    protected override DbConnection Connect()
    {
        var address = new Uri(_address!);
        return new NpgsqlConnection(
            $"Host={address.Host};Port={address.Port};Username={address.UserInfo};Database={address.AbsolutePath[1..]};Pooling=false"
        );
    }
}
