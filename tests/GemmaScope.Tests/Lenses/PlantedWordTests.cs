using GemmaScope.Lenses;
using GemmaScope.Models;
using GemmaScope.Workbench;
using Xunit;

namespace GemmaScope.Tests.Lenses;

/// <summary>A word that the model is made disposed to say after one layer and that a later layer overrides: a lens has to show both, and its
/// shuffled control neither.</summary>
public class PlantedWordTests
{
    private const string Text = "The people of the";
    private const int Planted = 2,
        Overriding = 4;

    private static readonly Lazy<GemmaModel> Demo = new(() => GemmaModel.Load(Fixtures.Model("demo-pt")));

    private static GemmaModel Model => Demo.Value;

    /// <summary>What the model carries after its last block where it is about to say a word.</summary>
    private static readonly Lazy<(int Token, float[] Stream)> States = new(() => AboutToSay("The people of the United")),
        York = new(() => AboutToSay("He was born in New"));

    private static int Word => States.Value.Token;

    private static int Other => York.Value.Token;

    private static JacobianLens Jacobian()
    {
        using var fit = new JacobianFit(Model, new() { SkipFirst = 4, MaxSeqLen = 12 });
        fit.Add(Model.Tokenizer.Encode("The children went to the house and saw a small red bird there.", addBos: true));
        fit.Add(Model.Tokenizer.Encode("In the morning the king of the country was ill and called for help.", addBos: true));
        return fit.ToLens();
    }

    private static (int, float[]) AboutToSay(string text)
    {
        var site = Site.ResidPost(Model.Config.Layers - 1);
        using var run = Model.Run(Model.Tokenizer.Encode(text, addBos: true), capture: [site], logits: LogitRows.Last);
        return (run.TopNextTokens(1)[0].Token, run[site].Row(run.Tokens.Length - 1).ToArray());
    }

    /// <summary>The word is put in after one layer and another over it after a later one.</summary>
    private static Edit[] Plant(int position) =>
        [
            Edit.Set(Site.ResidPost(Planted), States.Value.Stream, Positions.At(position)),
            Edit.Set(Site.ResidPost(Overriding), York.Value.Stream, Positions.At(position)),
        ];

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void a_planted_word_is_shown_where_it_is_planted_and_where_it_is_overridden(bool jacobian)
    {
        using Lens lens = jacobian ? Jacobian() : new LogitLens();
        var tokens = Model.Tokenizer.Encode(Text, addBos: true);
        var last = tokens.Length - 1;
        var reading = LensReading.Read(Model, lens, tokens, watched: [Word], edits: Plant(last));
        Assert.Equal(Word, reading[Planted, last].Top[0].Token);
        Assert.NotEqual(Word, reading[Planted - 1, last].Top[0].Token);
        Assert.Equal(Other, reading[Overriding, last].Top[0].Token);
        var path = reading.Paths[last];
        Assert.Equal(Other, path.Answer.Token);
        Assert.Equal((Overriding, Overriding), (path.Appears, path.Settles));
        Assert.Equal(Word, path.Overridden!.Value.Token);
        Assert.InRange(path.OverriddenLayer!.Value, Planted, Overriding - 1);

        // Neither without the plant, nor under the shuffled control.
        var clean = LensReading.Read(Model, lens, tokens, watched: [Word]);
        Assert.All(clean.Layers, layer => Assert.True(clean[layer, last].Watched[0].Probability < 0.05));
        using var control = new ShuffledLens(lens, Model.Config.Width, seed: 1);
        var shuffled = LensReading.Read(Model, control, tokens, watched: [Word], edits: Plant(last));
        Assert.All(shuffled.Layers.SkipLast(1), layer => Assert.True(shuffled[layer, last].Watched[0].Probability < 0.05));
    }

    [Fact]
    public void what_was_planted_is_taken_out_through_the_lens()
    {
        using var lens = new LogitLens();
        var tokens = Model.Tokenizer.Encode(Text, addBos: true);
        var last = tokens.Length - 1;
        var plant = Plant(last)[0];
        var ablate = LensEdits.Of(
            Model,
            lens,
            new()
            {
                Kind = LensEditKind.Ablate,
                Tokens = [Word],
                Layers = [Planted],
                WithGain = true,
            },
            tokens
        );
        var before = LensReading.Read(Model, lens, tokens, watched: [Word], edits: [plant]);
        var after = LensReading.Read(Model, lens, tokens, watched: [Word], edits: [plant, .. ablate]);
        Assert.Equal(0, before[Planted, last].Watched[0].Rank);
        Assert.True(after[Planted, last].Watched[0].Probability < 0.01);
    }

    [Fact]
    public void a_swap_gives_the_other_word_what_the_first_had_and_bos_stays()
    {
        using var lens = new LogitLens();
        var tokens = Model.Tokenizer.Encode("The people of the United", addBos: true);
        int states = LensWords.Token(Model, " States"),
            world = LensWords.Token(Model, " world");
        var swap = LensEdits.Of(
            Model,
            lens,
            new()
            {
                Kind = LensEditKind.SwapClamped,
                Tokens = [states],
                Other = world,
                Layers = [3, 4, 5],
            },
            tokens
        );
        var clean = LensReading.Read(Model, lens, tokens, watched: [states, world]);
        var swapped = LensReading.Read(Model, lens, tokens, watched: [states, world], edits: swap);
        Assert.True(clean[5, 5].Watched[0].Probability > 0.5);
        Assert.True(swapped[5, 5].Watched[0].Probability < 0.05);
        Assert.True(swapped[5, 5].Watched[1].Probability > clean[5, 5].Watched[1].Probability);
        Assert.Equal(clean[3, 0].Top, swapped[3, 0].Top);
    }

    [Fact]
    public void the_words_read_loudest_are_taken_out_and_likely_answers_spared()
    {
        using var lens = new LogitLens();
        var tokens = Model.Tokenizer.Encode("The people of the United", addBos: true);
        var edits = LensEdits.Of(
            Model,
            lens,
            new()
            {
                Kind = LensEditKind.AblateTop,
                Layers = [1],
                // Of more the token itself would be spared, as a likely answer.
                Count = 3,
            },
            tokens
        );
        var clean = LensReading.Read(Model, lens, tokens, top: 10);
        var edited = LensReading.Read(Model, lens, tokens, top: 10, edits: edits);
        Assert.Equal(clean[0, 5].Top, edited[0, 5].Top);
        Assert.NotEqual(clean[1, 5].Top[0].Token, edited[1, 5].Top[0].Token);
        Assert.Equal(LensWords.Token(Model, " States"), edited.Paths[5].Answer.Token);
    }
}
