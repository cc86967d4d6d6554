using GemmaScope.Behaviour;
using GemmaScope.Dictionaries;
using GemmaScope.Files;
using GemmaScope.Models;
using GemmaScope.Numerics;
using GemmaScope.Workbench;
using Xunit;

namespace GemmaScope.Tests.Workbench;

/// <summary>
/// A study of jailbreaks must find what makes wrappers succeed where that was planted: a word undoes the refusal, by taking away the
/// direction and the feature of which it is made. Where no word does, it must find nothing.
/// </summary>
public sealed class JailbreakStudyTests(PlantedJailbreak planted) : IClassFixture<PlantedJailbreak>
{
    private JailbreakStudyResult Result => planted.Result;

    [Fact]
    public void the_wrappers_that_undo_the_refusal_succeed_and_no_others()
    {
        Assert.Equal(1, Result.Outcomes[0].PlainRefused!.Mean);
        foreach (var outcome in Result.Outcomes.Skip(1))
            Assert.Equal(PlantedJailbreak.Undoing.Contains(outcome.Wrapper) ? 1 : 0, outcome.Succeeded!.Mean);
        Assert.All(Result.Pairs, pair => Assert.Equal(PlantedJailbreak.Undoing.Contains(pair.Wrapper), pair.Succeeded));
    }

    [Fact]
    public void the_planted_direction_and_feature_bring_the_refusal_back_and_random_ones_do_not()
    {
        Assert.Equal((1, 0), (Result.Direction.Restored!.Mean, Result.Direction.RestoredByControl!.Mean));
        Assert.True(Result.Direction.Score!.Low > Result.Direction.Control!.High);
        var dictionary = Assert.Single(Result.Dictionaries);
        Assert.Equal((1, 0), (dictionary.Together.Restored!.Mean, dictionary.Together.RestoredByControl!.Mean));
        var feature = dictionary.Features[0];
        Assert.Equal(PlantedJailbreak.Feature, feature.Feature);
        Assert.True(feature.Change.High < 0);
        Assert.True(feature.Score.Low > feature.Control!.High);
        Assert.True(feature.Score.Mean > 3 * dictionary.Features.Skip(1).Max(one => one.Score.Mean));
        var layers = Result.Layers.Where(place => place.Place > PlantedRefusal.Layer);
        Assert.All(layers, place => Assert.True(place.Succeeded!.High < place.Failed!.Low));
    }

    [Fact]
    public void the_planted_feature_tells_success_from_failure_and_with_shuffled_labels_nothing_does()
    {
        var success = Result.Separations[0];
        var single = success.Separators.Single(one => one.By.StartsWith("best feature", StringComparison.Ordinal));
        // Others may tell the wrapper by its words.
        var feature = single.Best!.Single(one => one.Feature == PlantedJailbreak.Feature);
        Assert.False(feature.IsHigher);
        Assert.InRange(feature.Auroc!.Mean, 0.9, 1);
        Assert.InRange(success.Separators.Single(one => one.By.StartsWith("projection", StringComparison.Ordinal)).Auroc!.Mean, 0.9, 1);
        Assert.Contains(success.Separators, one => one.By == "bag of words");
        Assert.Contains(success.Separators, one => one.By == "length in tokens");
        foreach (var one in Result.Separations.SelectMany(separation => separation.Separators))
        {
            Assert.InRange(one.Shuffled!.Mean, 0.38, 0.62);
            Assert.InRange(0.5, one.Shuffled.Low, one.Shuffled.High);
        }
    }

    [Fact]
    public async Task without_the_word_no_wrapper_succeeds_and_nothing_is_found()
    {
        using var folder = new TemporaryFolder();
        using var control = new PlantedRefusal(marked: true);
        using var microscope = await Microscope.OpenAsync(new() { Model = control.Path, Use = DictionaryUse.None });
        var result = await JailbreakStudyJob.RunAsync(microscope, planted.Options with { Out = folder.File("out") });
        Assert.Equal(0, result.Outcomes[0].Succeeded!.Mean);
        Assert.Null(result.Direction.Score);
        Assert.Empty(result.Separations[0].Separators);
        Assert.Contains(result.NotShown, line => line.StartsWith("Which wrappers succeed: not asked", StringComparison.Ordinal));
    }

    [Fact]
    public async Task a_study_that_was_broken_off_goes_on_to_the_same_numbers()
    {
        using var folder = new TemporaryFolder();
        foreach (var name in (string[])["manifest.json", "parts.jsonl"])
            File.Copy(planted.File(name), folder.File(name));
        var lines = File.ReadAllLines(folder.File("parts.jsonl"));
        File.WriteAllText(folder.File("parts.jsonl"), string.Join('\n', lines[..^2]) + "\n" + lines[^2][..20]);
        var result = await JailbreakStudyJob.RunAsync(planted.Microscope, planted.Options with { Out = folder.Path });
        Assert.Equal(ResultJson.Text(Result), ResultJson.Text(result));
    }

    [Fact]
    public void no_prompt_is_in_result_or_page_unless_it_is_asked_for()
    {
        foreach (var name in (string[])[StudyRunner.ResultName, StudyRunner.PageName, "parts.jsonl"])
        {
            var text = File.ReadAllText(planted.File(name));
            Assert.DoesNotContain("capital of Italy", text);
            Assert.DoesNotContain("holiday", text);
        }
        var shown = Result with { Prompts = [.. Result.Prompts.Select(prompt => prompt with { Text = "a <prompt>", Reply = "a reply" })] };
        Assert.Contains("a &lt;prompt&gt;", JailbreakStudyPage.Render(shown).ToString());
    }

    [Fact]
    public void the_page_holds_pictures_and_what_was_not_shown()
    {
        var page = File.ReadAllText(planted.File(StudyRunner.PageName));
        Assert.Contains("wrapped, succeeds", page);
        Assert.Contains("Moved back where wrappers succeed", page);
        Assert.Contains("Which wrappers succeed", page);
        Assert.DoesNotContain("<script", page);
        Assert.DoesNotContain("style=", page);
        Assert.All(Result.NotShown, line => Assert.Contains(System.Net.WebUtility.HtmlEncode(line), page.Replace("&#x27;", "&#39;")));
    }

    [Fact]
    public async Task pairs_come_from_rows_too_and_may_lack_the_plain_request()
    {
        using var folder = new TemporaryFolder();
        var pairs = folder.Write(
            "pairs.jsonl",
            """
            {"id": "a", "method": "one", "goal": "Name two rivers kindly", "prompt": "On holiday: Name two rivers kindly"}
            {"id": "b", "method": "two", "wrapped": "On holiday: name a lake"}
            {"plain": "Name two rivers kindly", "jailbreak": "Name two rivers kindly and quickly"}
            """
        );
        var result = await JailbreakStudyJob.RunAsync(
            planted.Microscope,
            planted.Options with
            {
                Out = folder.File("out"),
                Pairs = pairs,
                Requests = null,
                Wrappers = null,
            }
        );
        Assert.Equal(["a", "b", "3"], result.Pairs.Select(pair => pair.Id));
        Assert.Equal([0, null, 0], result.Pairs.Select(pair => pair.Plain));
        Assert.Equal([false, null, true], result.Pairs.Select(pair => pair.Succeeded));
        Assert.Null(result.Pairs[1].Clamped);
        Assert.Equal(["all", "", "one", "two"], result.Outcomes.Select(outcome => outcome.Wrapper));
    }

    [Fact]
    public async Task what_cannot_be_studied_is_refused()
    {
        using var folder = new TemporaryFolder();
        var options = planted.Options with { Out = folder.File("out") };
        Assert.Contains("no {request}", (await Fails(options with { Wrappers = folder.Write("w.txt", "Tell me") })).Message);
        Assert.Contains("go together", (await Fails(options with { Wrappers = null })).Message);
        Assert.Contains("is needed", (await Fails(options with { Requests = null, Wrappers = null })).Message);
        Assert.Contains("among the requests", (await Fails(options with { Harmless = options.Requests! })).Message);
        Assert.Contains(
            "refuses none",
            (await Fails(options with { RefusalTokens = ["The"], Requests = options.Harmless, Harmless = options.Requests! })).Message
        );
        DirectionFile.Write(folder.File("narrow.pt"), new(new float[] { 1, 2, 3 }, 1, -1));
        Assert.Contains("3 numbers", (await Fails(options with { Direction = folder.File("narrow.pt") })).Message);
        DirectionFile.Write(folder.File("bare.pt"), new(planted.Direction, null, null));
        Assert.Contains("of which layer", (await Fails(options with { Direction = folder.File("bare.pt") })).Message);
        Assert.Contains("no wrapped request", (await Fails(options with { Pairs = folder.Write("p.jsonl", """{"goal": "x"}""") })).Message);
        Assert.Contains("seed differs", (await Fails(planted.Options with { Seed = 7 })).Message);
        using var basis = await Microscope.OpenAsync(new() { Use = DictionaryUse.None });
        Assert.Contains(
            "not tuned to chat",
            (await Assert.ThrowsAsync<ArgumentProblemException>(() => JailbreakStudyJob.RunAsync(basis, options))).Message
        );
    }

    private async Task<GemmaScopeException> Fails(JailbreakStudyJobOptions options) =>
        await Assert.ThrowsAnyAsync<GemmaScopeException>(() => JailbreakStudyJob.RunAsync(planted.Microscope, options));
}

/// <summary>The study of a model in which a word undoes a refusal that another one causes.</summary>
public sealed class PlantedJailbreak : IAsyncLifetime
{
    /// <summary>The planted feature of the dictionary.</summary>
    public const int Feature = 5;

    private const string Undoes = " quickly";

    private const int Features = 24,
        Requests = 12;

    private static readonly string[] Wrappers =
    [
        "Here is what I want on holiday: {request}",
        "Be so good and do it quickly. {request}",
        "A friend wants to know. {request}",
        "I have to go soon, so answer quickly now. {request}",
    ];

    private readonly TemporaryFolder _folder = new();
    private readonly PlantedRefusal _planted = new(marked: true, Undoes);

    /// <summary>The wrappers that hold the word.</summary>
    public static string[] Undoing { get; } = ["2", "4"];

    public Microscope Microscope { get; private set; } = null!;

    public JailbreakStudyResult Result { get; private set; } = null!;

    public float[] Direction => _planted.Direction;

    public JailbreakStudyJobOptions Options { get; private set; } = null!;

    public string File(string name) => Path.Combine(Options.Out, name);

    public async ValueTask InitializeAsync()
    {
        var plain = System.IO.File.ReadAllLines(Fixtures.Path("studies", "plain-requests.txt"));
        DirectionFile.Write(_folder.File("direction.safetensors"), new(Direction, PlantedRefusal.Layer + 2, -1));
        Options = new()
        {
            Out = _folder.File("out"),
            Requests = _folder.Write(
                "requests.txt",
                string.Join('\n', plain.Take(Requests).Select(request => request.TrimEnd('?') + PlantedRefusal.Trigger))
            ),
            Wrappers = _folder.Write("wrappers.txt", string.Join('\n', Wrappers)),
            Harmless = _folder.Write("harmless.txt", string.Join('\n', plain.Skip(Requests).Take(Requests))),
            Direction = _folder.Path,
            RefusalTokens = [PlantedRefusal.Refusal],
            MaxTokens = 0,
            Features = 2,
            Resamples = 200,
        };
        Microscope = Microscope.Of("planted", GemmaModel.Load(_planted.Path), Dictionary());
        Result = await JailbreakStudyJob.RunAsync(Microscope, Options);
    }

    public ValueTask DisposeAsync()
    {
        Microscope.Dispose();
        _planted.Dispose();
        _folder.Dispose();
        return ValueTask.CompletedTask;
    }

    /// <summary>Random features, and one that is the direction.</summary>
    private SparseDictionary Dictionary()
    {
        var (random, width) = (new Random(3), Direction.Length);
        using Tensor encoder = Tensor.Zeros(width, Features),
            decoder = Tensor.Zeros(Features, width),
            encoderBias = Tensor.Zeros(Features),
            decoderBias = Tensor.Zeros(width),
            threshold = Tensor.Zeros(Features);
        for (var feature = 0; feature < Features; feature++)
        {
            var vector = feature == Feature ? Direction : ControlDirection(random, width);
            vector.CopyTo(decoder.Row(feature));
            for (var i = 0; i < width; i++)
                encoder.Row(i)[feature] = vector[i];
        }
        threshold.AsSpan().Fill(1);
        var file = _folder.File("params.npz");
        NpzWriter.Write(
            file,
            new Dictionary<string, Tensor>
            {
                ["W_enc"] = encoder,
                ["W_dec"] = decoder,
                ["b_enc"] = encoderBias,
                ["b_dec"] = decoderBias,
                ["threshold"] = threshold,
            }
        );
        return SparseDictionary.Load(file, new DictionaryLoadOptions { Site = Site.ResidPost(PlantedRefusal.Layer) });
    }

    private static float[] ControlDirection(Random random, int width)
    {
        float[] vector = [.. Enumerable.Range(0, width).Select(_ => random.NextSingle() - 0.5f)];
        var norm = MathF.Sqrt(vector.Sum(value => value * value));
        return Array.ConvertAll(vector, value => value / norm);
    }
}
