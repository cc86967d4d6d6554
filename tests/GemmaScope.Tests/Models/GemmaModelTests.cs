using GemmaScope.Models;
using GemmaScope.Numerics;
using Xunit;

namespace GemmaScope.Tests.Models;

public sealed class GemmaModelTests : IDisposable
{
    private readonly GemmaModel _demo = GemmaModel.Load(Fixtures.Model("demo-pt"));

    public void Dispose() => _demo.Dispose();

    private static int[] Prompt(int length) => [2, .. Enumerable.Range(0, length - 1).Select(i => 300 + i * 37 % 7000)];

    private static void Close(ReadOnlySpan<float> want, ReadOnlySpan<float> got, double tolerance = 1e-4)
    {
        Assert.Equal(want.Length, got.Length);
        double error = 0,
            scale = 1;
        for (var i = 0; i < want.Length; i++)
        {
            var difference = Math.Abs((double)want[i] - got[i]);
            error = difference <= error ? error : difference;
            scale = Math.Max(scale, Math.Abs(want[i]));
        }
        Assert.True(error <= tolerance * scale, $"largest error {error} at scale {scale}");
    }

    [Fact]
    public void a_cache_far_beyond_the_window_gives_the_logits_of_a_run_without_one()
    {
        var prompt = Prompt(400);
        using var whole = _demo.Run(prompt, logits: LogitRows.All);
        using var cache = _demo.NewCache();
        var at = 0;
        foreach (var step in (int[])[1, 70, 3, 1, 1, 130, 64, 1, 100, 29])
        {
            using var run = _demo.Run(prompt[at..(at + step)], cache: cache, logits: LogitRows.All);
            Close(whole.Logits!.AsSpan().Slice(at * 8192, step * 8192), run.Logits!.AsSpan());
            at += step;
        }
        Assert.Equal(400, at);
        Assert.Equal(400, cache.Length);
    }

    [Fact]
    public void sliding_layers_of_a_cache_hold_little_more_than_their_window()
    {
        using var cache = _demo.NewCache();
        foreach (var token in Prompt(512))
            _demo.Run([token], cache: cache, logits: LogitRows.None).Dispose();
        // Three global layers hold 512 rows in buffers of at most twice that, three sliding ones at most 2 · window, rounded up by
        // doubling.
        Assert.InRange(cache.Bytes, 0, 2L * 4 * 128 * (3 * 1024 + 3 * 4 * 64));
    }

    [Fact]
    public void a_cancelled_run_leaves_its_cache_as_it_was()
    {
        var prompt = Prompt(90);
        using var cache = _demo.NewCache();
        _demo.Run(prompt[..80], cache: cache).Dispose();
        using var source = new CancellationTokenSource();
        var stop = Edit.Function(Site.ResidPost(2), (_, _) => source.Cancel());
        Assert.Throws<OperationCanceledException>(() =>
            _demo.Run(prompt[80..], edits: [stop], cache: cache, cancellationToken: source.Token)
        );
        Assert.Equal(80, cache.Length);
        using var after = _demo.Run(prompt[80..], cache: cache);
        using var whole = _demo.Run(prompt);
        Close(whole.LastLogits(), after.LastLogits());
    }

    [Fact]
    public void a_run_stops_after_the_last_captured_site()
    {
        using (var run = _demo.Run(Prompt(5), capture: [Site.ResidPost(1), Site.Z(2)]))
        {
            Assert.Null(run.Logits);
            Assert.Equal([5, 256], run[Site.Z(2)].Shape.ToArray());
        }
        // An edit beyond the asked stop is never called.
        var late = Edit.Function(Site.MlpOut(2), (_, _) => throw new InvalidOperationException("ran too far"));
        _demo.Run(Prompt(5), capture: [Site.Z(2)], edits: [late], stopAfter: Site.Z(2)).Dispose();
        Assert.Throws<InvalidOperationException>(() => _demo.Run(Prompt(5), capture: [Site.Z(2)], edits: [late]));
    }

    [Fact]
    public void next_tokens_have_the_probability_of_the_soft_max_over_all_rows()
    {
        using var run = _demo.Run(Prompt(5));
        var logits = run.LastLogits().ToArray();
        var all = run.TopNextTokens(logits.Length);
        Assert.Equal(1, all.Sum(one => one.Probability!.Value), 1e-6);
        var total = logits.Sum(logit => Math.Exp(logit));
        foreach (var one in run.TopNextTokens(3))
        {
            Assert.Equal(logits[one.Token], one.Value);
            Assert.Equal(Math.Exp(one.Value) / total, one.Probability!.Value, 1e-9);
        }
    }

    [Fact]
    public void the_longest_context_runs_and_one_token_more_is_refused_by_name()
    {
        using var run = _demo.Run(Prompt(512));
        Assert.All(run.LastLogits().ToArray(), logit => Assert.True(float.IsFinite(logit)));
        var error = Assert.Throws<ArgumentProblemException>(() => _demo.Run(Prompt(513)));
        Assert.Contains("512", error.Message, StringComparison.Ordinal);
        using var cache = _demo.NewCache();
        _demo.Run(Prompt(512), cache: cache).Dispose();
        Assert.Throws<ArgumentProblemException>(() => _demo.Run([5], cache: cache));
    }

    [Fact]
    public void what_cannot_be_run_is_refused_with_its_reason()
    {
        Refuses(() => _demo.Run([2, 8192]), "8192");
        Refuses(() => _demo.Run([2, -1]), "-1");
        Refuses(() => _demo.Run(Array.Empty<int>()), "no tokens");
        Refuses(() => _demo.Run([2], capture: [Site.ResidPost(6)]), "layers 0 to 5");
        Refuses(() => _demo.Run([2], capture: [new Site(SiteKind.QNormed, 0)]), "Gemma 3");
        Refuses(() => _demo.Run([2], edits: [Edit.Add(Site.ResidPost(0), new float[3])]), "256");
        Refuses(() => _demo.Run([2], logits: LogitRows.All, stopAfter: Site.ResidPost(0)), "stops");
        Refuses(() => _demo.Run([2], capture: [new Site(SiteKind.Logits)], logits: LogitRows.None), "logits");
        using var other = GemmaModel.Load(Fixtures.Path("host", "gemma2-f32-smallcaps"));
        using var foreign = other.NewCache();
        Refuses(() => _demo.Run([2], cache: foreign), "another model");
        using var run = _demo.Run([2], capture: [Site.ResidPost(0)]);
        Refuses(() => run[Site.ResidPost(1)], "not captured");

        static void Refuses(Func<object> act, string reason) =>
            Assert.Contains(reason, Assert.Throws<ArgumentProblemException>(act).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void sequences_of_a_batch_do_not_see_each_other()
    {
        int[][] prompts = [Prompt(70), [2], Prompt(9), Prompt(130)];
        using var batch = _demo.Run(prompts, capture: [Site.ResidPost(5), new Site(SiteKind.AttnPattern, 1)], logits: LogitRows.Last);
        for (var s = 0; s < prompts.Length; s++)
        {
            using var alone = _demo.Run(
                prompts[s],
                capture: [Site.ResidPost(5), new Site(SiteKind.AttnPattern, 1)],
                logits: LogitRows.Last
            );
            var (start, count) = batch.RowsOf(s);
            Close(alone[Site.ResidPost(5)].AsSpan(), batch[Site.ResidPost(5)].AsSpan().Slice(start * 256, count * 256));
            Close(alone.LastLogits(), batch.LastLogits(s));
            Close(
                alone.Attention(new Site(SiteKind.AttnPattern, 1), 0).AsSpan(),
                batch.Attention(new Site(SiteKind.AttnPattern, 1), s).AsSpan()
            );
        }
    }

    [Fact]
    public void edits_reach_only_their_positions_and_come_in_order()
    {
        var vector = Enumerable.Repeat(2f, 256).ToArray();
        var site = Site.ResidPost(2);
        using var plain = _demo.Run(Prompt(6), capture: [site]);
        using var edited = _demo.Run(
            Prompt(6),
            capture: [site],
            edits:
            [
                Edit.Add(site, vector, 3, 1..3),
                Edit.Scale(site, 2, Positions.At(2)),
                Edit.Set(site, vector, 5..),
                Edit.Zero(site, Positions.At(4)),
            ]
        );
        for (var t = 0; t < 6; t++)
        for (var i = 0; i < 256; i++)
        {
            var x = plain[site].Row(t)[i];
            var want = t switch
            {
                1 => x + 6,
                2 => (x + 6) * 2,
                4 => 0,
                5 => 2,
                _ => x,
            };
            Assert.Equal(want, edited[site].Row(t)[i], 1e-4f);
        }
    }

    [Fact]
    public void an_edit_acts_the_same_with_a_cache()
    {
        var prompt = Prompt(12);
        var edit = Edit.Add(Site.ResidPost(1), Enumerable.Repeat(1f, 256).ToArray(), 2, 4..9);
        using var whole = _demo.Run(prompt, edits: [edit]);
        using var cache = _demo.NewCache();
        _demo.Run(prompt[..6], edits: [edit], cache: cache).Dispose();
        using var rest = _demo.Run(prompt[6..], edits: [edit], cache: cache);
        Close(whole.LastLogits(), rest.LastLogits());
    }

    [Fact]
    public void reading_a_site_changes_nothing_and_setting_it_to_what_was_read_neither()
    {
        var prompt = Prompt(7);
        using var plain = _demo.Run(prompt, logits: LogitRows.All);
        using var open = _demo.Run(prompt, capture: _demo.Config.Sites(), logits: LogitRows.All);
        Close(plain.Logits!.AsSpan(), open.Logits!.AsSpan(), 1e-5);
        foreach (var site in _demo.Config.Sites())
        {
            var seen = 0;
            using var run = _demo.Run(prompt, edits: [Edit.Function(site, (rows, _) => seen += rows.Rows)], logits: LogitRows.All);
            Close(plain.Logits!.AsSpan(), run.Logits!.AsSpan(), 1e-5);
            Assert.Equal(Site.IsAttentionMatrix(site.Kind) ? 7 * _demo.Config.Heads : 7, seen);
        }
    }

    [Fact]
    public void runs_from_several_threads_agree()
    {
        using var alone = _demo.Run(Prompt(40));
        var want = alone.LastLogits().ToArray();
        Parallel.For(
            0,
            8,
            new ParallelOptions { MaxDegreeOfParallelism = 4 },
            _ =>
            {
                using var run = _demo.Run(Prompt(40));
                Close(want, run.LastLogits(), 1e-5);
            }
        );
    }

    [Fact]
    public void fast_arithmetic_stays_near_the_exact_one()
    {
        using var exact = _demo.Run(Prompt(40), arithmetic: Arithmetic.Exact);
        using var fast = _demo.Run(Prompt(40), arithmetic: Arithmetic.Fast);
        Assert.Equal(Arithmetic.Fast, fast.Arithmetic);
        Close(exact.LastLogits(), fast.LastLogits(), 0.03);
        Assert.NotEqual(exact.LastLogits().ToArray(), fast.LastLogits().ToArray());
    }
}
