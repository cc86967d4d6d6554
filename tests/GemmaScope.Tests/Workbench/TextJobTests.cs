using System.Text.Json;
using GemmaScope.Behaviour;
using GemmaScope.Models;
using GemmaScope.Workbench;
using Xunit;

namespace GemmaScope.Tests.Workbench;

/// <summary>Texts from C#: continued, and steered.</summary>
public sealed class TextJobTests : IAsyncLifetime
{
    private static readonly GenerationOptions Short = new() { Temperature = 0, MaxNewTokens = 5 };

    private static readonly SteerJobOptions Steered = new()
    {
        Text = "The people of",
        SteeredFeatures = [new(681)],
        Strength = 60,
        Sampling = Short,
    };

    private Microscope _microscope = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _microscope = await Microscope.OpenAsync(cancellationToken: Cancel);

    public ValueTask DisposeAsync()
    {
        _microscope.Dispose();
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task a_text_comes_in_pieces_that_are_the_whole()
    {
        var pieces = new Pieces();
        var result = await GenerateJob.RunAsync(_microscope, new() { Prompt = "The cat", Sampling = Short }, pieces, Cancel);
        Assert.Equal(result.Text, pieces.Of(0));
        Assert.Equal(5, result.Ids.Count);
        Assert.Equal(StopReason.MaxTokens, result.StoppedBy);
        var names = JsonDocument.Parse(ResultJson.Text(result)).RootElement.EnumerateObject().Select(member => member.Name);
        Assert.Equal(
            "model, prompt, prompt_ids, text, ids, stopped_by, seconds, tokens_per_second, arithmetic, kernels, warnings",
            string.Join(", ", names)
        );
    }

    [Fact]
    public async Task a_text_that_is_broken_off_is_a_result()
    {
        using var stop = new CancellationTokenSource();
        var options = new GenerateJobOptions { Prompt = "The cat", Sampling = Short with { MaxNewTokens = 100 } };
        var result = await GenerateJob.RunAsync(_microscope, options, new Pieces(stop), stop.Token);
        Assert.Equal(StopReason.Interrupted, result.StoppedBy);
        Assert.InRange(result.Ids.Count, 1, 99);
    }

    [Fact]
    public async Task settings_that_cannot_be_are_refused_by_their_names()
    {
        await Assert.ThrowsAsync<ArgumentProblemException>(() =>
            GenerateJob.RunAsync(_microscope, new() { Prompt = "x", Sampling = Short with { TopP = 2 } }, null, Cancel)
        );
        await Refused(Steered with { SteeredFeatures = [] }, "SteeredFeatures");
        await Refused(Steered with { Sweep = [1, 2] }, "Sweep");
        await Refused(Steered with { Mode = SteeringMode.Ablate }, "Strength");
        await Refused(Steered with { Mode = SteeringMode.Cap, Strength = null }, "Strength");
        var pairs = new ContrastSet("mine", [new("This is", " good", " bad")]);
        await Refused(Steered with { Contrast = pairs }, "Contrast");
        await Refused(Steered with { Contrast = pairs, SteeredFeatures = [] }, "Site");

        async Task Refused(SteerJobOptions options, string setting) =>
            Assert.Equal(
                setting,
                (await Assert.ThrowsAsync<ArgumentProblemException>(() => SteerJob.RunAsync(_microscope, options, null, Cancel)))
                    .Setting
                    ?.Name
            );
    }

    [Fact]
    public async Task both_texts_are_the_same_in_turn_and_one_after_the_other()
    {
        var (one, other) = (new Pieces(), new Pieces());
        var result = await SteerJob.RunAsync(_microscope, Steered, one, Cancel);
        var inTurn = await SteerJob.RunAsync(_microscope, Steered with { InTurn = true }, other, Cancel);
        Assert.Equal(ResultJson.Text(result), ResultJson.Text(inTurn));
        Assert.Equal((result.Normal.Text, result.Steered[0].Text), (one.Of(0), one.Of(1)));
        Assert.Equal((one.Of(0), one.Of(1)), (other.Of(0), other.Of(1)));
        Assert.Equal(one.Series.Order(), one.Series);
        Assert.NotEqual(other.Series.Order(), other.Series);
        Assert.True(result.Steered[0].Kl > 0);
        Assert.Equal(0, result.Normal.Kl);
    }

    [Fact]
    public async Task the_json_form_is_that_of_the_command()
    {
        var json = JsonDocument.Parse(ResultJson.Text(await SteerJob.RunAsync(_microscope, Steered, null, Cancel))).RootElement;
        Assert.Equal(
            "model, dictionary, site, mode, positions, bos, features, prompt, chat, prompt_ids, temperature, frequency_penalty, seed, "
                + "normal, steered",
            string.Join(", ", json.EnumerateObject().Select(member => member.Name))
        );
        Assert.Equal(
            "strengths, text, ids, stopped_by, kl, surprise, repetition",
            string.Join(", ", json.GetProperty("steered")[0].EnumerateObject().Select(member => member.Name))
        );
        Assert.Equal("max_tokens", json.GetProperty("normal").GetProperty("stopped_by").GetString());
    }

    [Fact]
    public async Task steering_that_is_broken_off_leaves_out_what_was_not_begun()
    {
        using var stop = new CancellationTokenSource();
        var options = Steered with { Sampling = Short with { MaxNewTokens = 100 } };
        var result = await SteerJob.RunAsync(_microscope, options, new Pieces(stop), stop.Token);
        Assert.Equal(StopReason.Interrupted, result.Normal.StoppedBy);
        Assert.False(result.Normal.IsMeasured);
        Assert.Empty(result.Steered);
    }

    /// <summary>Keeps what is written; stops it after the first piece if told to.</summary>
    private sealed class Pieces(CancellationTokenSource? stop = null) : IProgress<JobReport>
    {
        private readonly List<JobText> _all = [];

        public IEnumerable<int> Series => _all.Select(piece => piece.Series);

        public string Of(int series) => string.Concat(_all.Where(piece => piece.Series == series).Select(piece => piece.Text));

        public void Report(JobReport value)
        {
            if (value is JobText piece)
                _all.Add(piece);
            stop?.Cancel();
        }
    }
}
