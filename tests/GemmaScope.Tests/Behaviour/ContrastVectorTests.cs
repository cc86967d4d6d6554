using System.Numerics.Tensors;
using GemmaScope.Behaviour;
using GemmaScope.Models;
using GemmaScope.Numerics;
using GemmaScope.Text;
using Xunit;

namespace GemmaScope.Tests.Behaviour;

public sealed class ContrastVectorTests : IDisposable
{
    private readonly GemmaModel _model = GemmaModel.Load(Fixtures.Model("demo-pt"));

    public void Dispose() => _model.Dispose();

    [Fact]
    public void the_vector_is_the_mean_difference_at_the_last_token_of_the_answers()
    {
        var random = new Random(2);
        int[] Text(int length) => [2, .. Enumerable.Range(0, length).Select(_ => random.Next(300, 8000))];
        (int[], int[])[] pairs = [.. Enumerable.Range(0, 11).Select(i => (Text(3 + i % 4), Text(2 + i % 3)))];
        var site = Site.ResidPost(2);
        var want = new double[_model.Config.Width];
        foreach (var (positive, negative) in pairs)
        {
            using var one = _model.Run(positive, capture: [site], arithmetic: Arithmetic.Exact);
            using var other = _model.Run(negative, capture: [site], arithmetic: Arithmetic.Exact);
            for (var i = 0; i < want.Length; i++)
                want[i] += ((double)one[site].Row(positive.Length - 1)[i] - other[site].Row(negative.Length - 1)[i]) / pairs.Length;
        }
        var got = ContrastVector.Of(_model, pairs, site);
        Assert.All(want.Zip(got), pair => Assert.Equal(pair.First, pair.Second, 1e-4));
    }

    [Fact]
    public void adding_the_vector_makes_the_positive_answer_likelier_and_subtracting_it_the_negative()
    {
        ContrastPair[] pairs =
        [
            .. ((string[])["I think this is", "The food was", "We had a day that was", "He said it is", "The weather is"]).Select(
                prompt => new ContrastPair(prompt, " good", " bad")
            ),
        ];
        var site = Site.ResidPost(2);
        var vector = ContrastVector.Of(_model, [.. pairs.Select(pair => pair.Encode(_model.Tokenizer))], site);
        var held = new ContrastPair("The book was", " good", " bad").Encode(_model.Tokenizer);
        double Preference(float strength)
        {
            using var run = _model.Run(
                held.Positive[..^1],
                edits: [Edit.Add(site, vector, strength, 1..)],
                logits: LogitRows.Last,
                arithmetic: Arithmetic.Exact
            );
            return run.LastLogits()[held.Positive[^1]] - run.LastLogits()[held.Negative[^1]];
        }
        Assert.True(Preference(1) > Preference(0) && Preference(0) > Preference(-1), $"{Preference(1)} {Preference(0)} {Preference(-1)}");
    }

    [Fact]
    public void in_a_chat_the_prompt_is_the_user_s_turn_and_the_answer_begins_the_model_s()
    {
        var (positive, negative) = new ContrastPair("Well?", "Yes", "No").Encode(_model.Tokenizer, ChatTemplate.Gemma2);
        var prompt = ChatTemplate.Gemma2.Encode(_model.Tokenizer, [new ChatMessage("user", "Well?")], addGenerationPrompt: true);
        Assert.Equal([.. prompt, .. _model.Tokenizer.Encode("Yes")], positive);
        Assert.Equal([.. prompt, .. _model.Tokenizer.Encode("No")], negative);
    }

    [Theory]
    [InlineData("", "holds no pair")]
    [InlineData("{\"positive\":\"a\"}", "'negative' is missing")]
    [InlineData("{\"positive\":\"a\",\"negative\":\"\"}", "no answer token")]
    [InlineData("{\"positive\":\"a\",\"negative\":\"a\"}", "no difference")]
    [InlineData("{\"positive\":\"a\",\"negativ\":\"b\"}", "did you mean 'negative'")]
    public void a_file_that_cannot_be_used_says_why(string text, string says)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("pairs.jsonl"), text);
        Assert.Contains(
            says,
            Assert.ThrowsAny<GemmaScopeException>(() => ContrastPair.Load(folder.File("pairs.jsonl"))).Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void an_effect_is_measured_as_its_formulas_say_also_over_many_blocks()
    {
        var prompt = _model.Tokenizer.Encode("The people of", addBos: true);
        int[] text =
        [
            .. _model.Generate(
                prompt,
                new()
                {
                    Seed = 3,
                    MaxNewTokens = 70,
                    StopTokens = [],
                }
            ),
        ];
        var direction = new float[_model.Config.Width];
        direction[5] = 1;
        Edit[] edits = [Edit.Add(Site.ResidPost(1), direction, 20, 2..)];
        var effect = SteeringEffect.Measure(_model, prompt, text, edits);

        int[] all = [.. prompt, .. text];
        using var clean = _model.Run(all, logits: LogitRows.All, arithmetic: Arithmetic.Exact);
        using var steered = _model.Run(all, edits: edits, logits: LogitRows.All, arithmetic: Arithmetic.Exact);
        double kl = 0,
            surprise = 0;
        for (var t = prompt.Length - 1; t < all.Length - 1; t++)
        {
            var (p, q) = (Probabilities(clean, t), Probabilities(steered, t));
            kl += p.Zip(q, (one, other) => one * Math.Log(one / other)).Sum() / text.Length;
            surprise -= Math.Log(p[all[t + 1]]) / text.Length;
        }
        Assert.True(kl > 0.01);
        Assert.Equal(kl, effect.Kl, 1e-4);
        Assert.Equal(surprise, effect.Surprise, 1e-4);
        Assert.Equal(0, SteeringEffect.Measure(_model, prompt, text, []).Kl);
        var next = SteeringEffect.Measure(_model, prompt, [], edits);
        Assert.True(next.Kl > 0 && double.IsNaN(next.Surprise));
    }

    [Theory]
    [InlineData(new int[] { }, 0)]
    [InlineData(new[] { 7 }, 0)]
    [InlineData(new[] { 1, 2, 3 }, 0)]
    [InlineData(new[] { 1, 2, 1, 2, 1 }, 0.5)]
    [InlineData(new[] { 4, 4, 4, 4, 4 }, 0.75)]
    public void repetition_is_the_share_of_pairs_that_stood_there_before(int[] tokens, double share) =>
        Assert.Equal(share, SteeringEffect.Repeated(tokens));

    private double[] Probabilities(ModelRun run, int row)
    {
        double[] logits = [.. run.Logits!.Row(row)[.._model.Config.RealVocabulary].ToArray().Select(value => (double)value)];
        var largest = logits.Max();
        var sum = logits.Sum(logit => Math.Exp(logit - largest));
        return [.. logits.Select(logit => Math.Exp(logit - largest) / sum)];
    }
}
