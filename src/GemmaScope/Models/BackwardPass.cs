using GemmaScope.Numerics;

namespace GemmaScope.Models;

/// <summary>
/// One walk back through the layers: METHODS §1.2 read from the last line to the first, every step the derivative of the one in
/// <see cref="ForwardPass"/>, and the gradient with respect to each site offered to the taps. In frozen mode (METHODS §4.5) norms
/// only scale, patterns get no gradient, and the MLPs are passed only by a target that lies at their input.
/// </summary>
internal sealed class BackwardPass(
    GemmaConfig config,
    GemmaWeights weights,
    RotaryTable local,
    RotaryTable global,
    Workspace workspace,
    SavedActivations saved,
    int tokens,
    GradientMode mode,
    GradientTaps taps,
    Arithmetic arithmetic,
    CancellationToken cancellationToken
)
{
    /// <summary>Whether a site lies after the last layer.</summary>
    public static bool IsFinal(Site site) => site >= new Site(SiteKind.LnFinalNormalized);

    /// <summary>Whether the way from a site to a later one leads into a layer's attention.</summary>
    public static bool PassesAttention(int layer, Site from, Site to) => from < Site.ResidMid(layer) && to > Site.ResidPre(layer);

    /// <summary>Whether the way from a site to a later one leads into a layer's MLP.</summary>
    public static bool PassesMlp(int layer, Site from, Site to) => from < Site.MlpOut(layer) && to > Site.ResidMid(layer);

    /// <summary>Whether the gradient at a site can be other than 0 in frozen mode.</summary>
    public static bool IsLinear(SiteKind kind) =>
        kind
            is not (
                SiteKind.Q
                or SiteKind.K
                or SiteKind.QNormed
                or SiteKind.KNormed
                or SiteKind.QRope
                or SiteKind.KRope
                or SiteKind.AttnScoresRaw
                or SiteKind.AttnScoresSoftcapped
                or SiteKind.AttnPattern
                or SiteKind.MlpGatePre
                or SiteKind.MlpUp
                or SiteKind.MlpActProduct
                or SiteKind.MlpOutRaw
            );

    /// <summary>Walks from the target's site back to the first site asked for.</summary>
    public void Run(Site from, Site to)
    {
        var residual = Buffer("residual", config.Width);
        Clear(residual);
        if (IsFinal(to))
            FinalNorm(residual);
        for (var layer = to.Layer ?? config.Layers - 1; layer >= 0 && from <= Site.ResidPost(layer); layer--)
        {
            cancellationToken.ThrowIfCancellationRequested();
            taps.At(SiteKind.ResidPost, layer, residual);
            Mlp(layer, residual, from, to);
            taps.At(SiteKind.ResidMid, layer, residual);
            if (PassesAttention(layer, from, to))
                Attention(layer, residual);
            taps.At(SiteKind.ResidPre, layer, residual);
        }
        taps.At(SiteKind.Embed, 0, residual);
    }

    private void FinalNorm(MatrixView residual)
    {
        taps.At(SiteKind.FinalNormOut, 0, residual);
        Norm(weights.FinalGain, SiteKind.LnFinalNormalized, SiteKind.ResidPost, config.Layers - 1, residual);
    }

    /// <summary>residual += gradient through post_norm(mlp(norm(·))).</summary>
    private void Mlp(int layer, MatrixView residual, Site from, Site to)
    {
        var w = weights.Layers[layer];
        var branch = Branch(SiteKind.MlpOut, layer, residual);
        if (!PassesMlp(layer, from, to))
            return;
        var input = Buffer("input", config.Width);
        if (mode == GradientMode.Full)
        {
            PostNorm(w.PostMlpGain, SiteKind.MlpOutRaw, layer, branch);
            var (gate, up) = (Buffer("gate", config.MlpWidth), Buffer("up", config.MlpWidth));
            Compute.Kernels.Multiply(branch, w.Down.Transposed, gate, arithmetic);
            taps.At(SiteKind.MlpActProduct, layer, gate);
            Workers.For(
                tokens,
                new GateBackwardRow(saved.Rows(new Site(SiteKind.MlpGatePre, layer)), saved.Rows(new Site(SiteKind.MlpUp, layer)), gate, up)
            );
            taps.At(SiteKind.MlpUp, layer, up);
            taps.At(SiteKind.MlpGatePre, layer, gate);
            Compute.Kernels.Multiply(gate, w.Gate.Transposed, input, arithmetic);
            AddProduct(up, w.Up, input);
        }
        else
        {
            // The MLP's output is a constant; only a target at its input leads further.
            if (to.Layer != layer || to.Kind is not (SiteKind.MlpIn or SiteKind.Ln2Normalized))
                return;
            Clear(input);
        }
        taps.At(SiteKind.MlpIn, layer, input);
        Norm(w.PreMlpGain, SiteKind.Ln2Normalized, SiteKind.ResidMid, layer, input);
        Workers.For(tokens, new AddRow(input, residual));
    }

    /// <summary>residual += gradient through post_norm(attention(norm(·))).</summary>
    private void Attention(int layer, MatrixView residual)
    {
        var w = weights.Layers[layer];
        var branch = Branch(SiteKind.AttnOut, layer, residual);
        PostNorm(w.PostAttentionGain, SiteKind.AttnOutRaw, layer, branch);
        var z = Buffer("z", config.Heads * config.HeadSize);
        Compute.Kernels.Multiply(branch, w.Output.Transposed, z, arithmetic);
        taps.At(SiteKind.Z, layer, z);

        var v = Buffer("v", config.KeyValueHeads * config.HeadSize);
        var attention = new AttentionBackward(config, saved.Rows(new Site(SiteKind.AttnPattern, layer)));
        attention.Values(z, v);
        taps.At(SiteKind.V, layer, v);
        var input = Buffer("input", config.Width);
        Compute.Kernels.Multiply(v, w.Value.Transposed, input, arithmetic);
        if (mode == GradientMode.Full)
            Pattern(attention, layer, z, input);
        taps.At(SiteKind.AttnIn, layer, input);
        Norm(w.InputGain, SiteKind.Ln1Normalized, SiteKind.ResidPre, layer, input);
        Workers.For(tokens, new AddRow(input, residual));
    }

    /// <summary>input += gradient through the pattern: soft-max, cap, scores, RoPE, q/k norms and projections.</summary>
    private void Pattern(AttentionBackward attention, int layer, MatrixView z, MatrixView input)
    {
        var w = weights.Layers[layer];
        var scores = workspace.Buffer("scores", config.Heads * tokens, tokens);
        attention.Pattern(z, saved.Rows(new Site(SiteKind.V, layer)), scores);
        taps.At(SiteKind.AttnPattern, layer, scores);
        attention.SoftMax(scores);
        taps.At(SiteKind.AttnScoresSoftcapped, layer, scores);
        if (config.AttentionCap is float cap)
            Workers.For(scores.Rows, new CapBackwardRow(saved.Rows(new Site(SiteKind.AttnScoresSoftcapped, layer)), cap, scores));
        taps.At(SiteKind.AttnScoresRaw, layer, scores);

        var (q, k) = (Buffer("q", config.Heads * config.HeadSize), Buffer("k", config.KeyValueHeads * config.HeadSize));
        attention.QueriesAndKeys(scores, saved.Rows(new Site(SiteKind.QRope, layer)), saved.Rows(new Site(SiteKind.KRope, layer)), q, k);
        var table = (config.Sliding[layer] ? local : global).Rows(tokens);
        Heads(q, table, w.QueryGain, SiteKind.QRope, SiteKind.QNormed, SiteKind.Q, layer);
        Heads(k, table, w.KeyGain, SiteKind.KRope, SiteKind.KNormed, SiteKind.K, layer);
        AddProduct(q, w.Query, input);
        AddProduct(k, w.Key, input);
    }

    /// <summary>Queries or keys after RoPE → before RoPE and, in Gemma 3, before their norm.</summary>
    private void Heads(MatrixView gradient, Tensor table, float[]? gain, SiteKind rotated, SiteKind normed, SiteKind projected, int layer)
    {
        taps.At(rotated, layer, gradient);
        Workers.For(tokens, new RotateBackwardRow(table.AsMatrix(), config.HeadSize, gradient));
        if (gain is not null)
        {
            taps.At(normed, layer, gradient);
            Workers.For(tokens, new NormHeadsBackwardRow(saved.Rows(new Site(projected, layer)), gain, config.NormEpsilon, gradient));
        }
        taps.At(projected, layer, gradient);
    }

    /// <summary>A sub-layer's output is added to the residual, so its gradient is the residual's; a copy, because the residual keeps its
    /// own.</summary>
    private MatrixView Branch(SiteKind site, int layer, MatrixView residual)
    {
        var branch = Buffer("branch", config.Width);
        for (var i = 0; i < tokens; i++)
            residual.Row(i).CopyTo(branch.Row(i));
        taps.At(site, layer, branch);
        return branch;
    }

    /// <summary>Gained → bare → input of a norm before a sub-layer, in place.</summary>
    private void Norm(float[] gain, SiteKind bare, SiteKind input, int layer, MatrixView gradient)
    {
        Workers.For(tokens, new GainRow(gradient, gain));
        taps.At(bare, layer, gradient);
        Normalize(input, layer, gradient);
    }

    /// <summary>Output → input of a norm after a sub-layer, in place.</summary>
    private void PostNorm(float[] gain, SiteKind input, int layer, MatrixView gradient)
    {
        Workers.For(tokens, new GainRow(gradient, gain));
        Normalize(input, layer, gradient);
        taps.At(input, layer, gradient);
    }

    private void Normalize(SiteKind input, int layer, MatrixView gradient)
    {
        if (mode == GradientMode.Frozen)
            Workers.For(tokens, new ScaleRow(saved.Scale(new Site(input, layer)), gradient));
        else
            Workers.For(tokens, new NormalizeBackwardRow(saved.Rows(new Site(input, layer)), config.NormEpsilon, gradient));
    }

    /// <summary>input += output · W, the backward of a linear map whose input others read too.</summary>
    private void AddProduct(MatrixView output, WeightView matrix, MatrixView input)
    {
        var product = Buffer("product", input.Columns);
        Compute.Kernels.Multiply(output, matrix.Transposed, product, arithmetic);
        Workers.For(tokens, new AddRow(product, input));
    }

    private MatrixView Buffer(string name, int columns) => workspace.Buffer(name, tokens, columns);

    private static void Clear(MatrixView rows)
    {
        for (var i = 0; i < rows.Rows; i++)
            rows.Row(i).Clear();
    }
}
