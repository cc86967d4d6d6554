using GemmaScope.Numerics;

namespace GemmaScope.Models;

/// <summary>
/// One walk back through the layers: METHODS §1.2 read from the last line to the first, every step the derivative of the one in
/// <see cref="ForwardPass"/>, and the gradient with respect to each site offered to the taps. In frozen mode (METHODS §4.5) norms
/// only scale, patterns get no gradient, MLPs are passed only by a target that lies at their input, and what the embedding of a layer adds
/// (Gemma 4 E) is a constant.
/// </summary>
internal sealed class BackwardPass(
    GemmaConfig config,
    GemmaWeights weights,
    RotaryTables rotary,
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
    public static bool IsFinal(Site site) => Site.IsFinal(site.Kind);

    /// <summary>Whether the way from a site to a later one leads into a layer's attention.</summary>
    public static bool PassesAttention(int layer, Site from, Site to) => from < Site.ResidMid(layer) && to > Site.ResidPre(layer);

    /// <summary>Whether the way from a site to a later one leads into a layer's MLP.</summary>
    public static bool PassesMlp(int layer, Site from, Site to) => from < Site.MlpOut(layer) && to > Site.ResidMid(layer);

    /// <summary>Whether the way from a site to a later one leads into what a layer makes of its embedding.</summary>
    public static bool PassesPerLayer(int layer, Site from, Site to) =>
        from < new Site(SiteKind.PleOut, layer) && to > new Site(SiteKind.ResidAfterMlp, layer);

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
                or (>= SiteKind.PleToken and <= SiteKind.PleInputs)
                or (>= SiteKind.DenseOut and <= SiteKind.FfnCombined)
                or (>= SiteKind.PleGatePre and <= SiteKind.PleOutRaw)
            );

    /// <summary>Walks from the target's site back to the first site asked for.</summary>
    public void Run(Site from, Site to)
    {
        var residual = Buffer("residual", config.Width);
        Clear(residual);
        foreach (var (keys, values) in Enumerable.Range(0, config.Layers).Where(config.IsKeyValueSource).Select(SharedGradients))
        {
            Clear(keys);
            Clear(values);
        }
        if (config.PerLayer is not null)
            Clear(PerLayerGradient);
        if (IsFinal(to))
            FinalNorm(residual);
        for (var layer = to.Layer ?? config.Layers - 1; layer >= 0 && from <= Site.ResidPost(layer); layer--)
        {
            cancellationToken.ThrowIfCancellationRequested();
            taps.At(SiteKind.ResidPost, layer, residual);
            if (weights.Layers[layer].Scalar is float scalar)
            {
                Workers.For(tokens, new MultiplyRow(residual, scalar));
                taps.At(SiteKind.ResidBeforeScalar, layer, residual);
            }
            if (config.PerLayer is not null)
                PerLayer(layer, residual, PassesPerLayer(layer, from, to));
            Mlp(layer, residual, from, to);
            taps.At(SiteKind.ResidMid, layer, residual);
            if (PassesAttention(layer, from, to))
                Attention(layer, residual);
            taps.At(SiteKind.ResidPre, layer, residual);
        }
        if (config.PerLayer is not null && from < Site.ResidPre(0) && mode == GradientMode.Full)
            PerLayerInputs(residual);
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
            if (w.Experts is { } experts)
            {
                PostNorm(w.PostMlpGain, SiteKind.FfnCombined, layer, branch);
                new ExpertsBackward(config, experts, layer, workspace, saved, taps, arithmetic, cancellationToken).Add(branch, residual);
                taps.At(SiteKind.DenseOut, layer, branch);
                PostNorm(experts.DenseGain, SiteKind.MlpOutRaw, layer, branch);
            }
            else
                PostNorm(w.PostMlpGain, SiteKind.MlpOutRaw, layer, branch);
            var width = config.Shapes[layer].MlpWidth;
            var (gate, up) = (Buffer("gate", width), Buffer("up", width));
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

    /// <summary>residual += gradient through post_norm(projection(gelu(gate(·)) ∘ inputs)); that of the inputs is kept.</summary>
    private void PerLayer(int layer, MatrixView residual, bool passes)
    {
        var w = weights.Layers[layer].PerLayer!;
        var branch = Branch(SiteKind.PleOut, layer, residual);
        if (passes && mode == GradientMode.Full)
        {
            PostNorm(w.PostGain, SiteKind.PleOutRaw, layer, branch);
            var width = config.PerLayer!.Value.Width;
            var gate = Buffer("ple gate", width);
            Compute.Kernels.Multiply(branch, w.Projection.Transposed, gate, arithmetic);
            taps.At(SiteKind.PleActProduct, layer, gate);
            var inputs = saved.Rows(new Site(SiteKind.PleInputs)).SliceColumns(layer * width, width);
            var above = PerLayerGradient.SliceColumns(layer * width, width);
            Workers.For(tokens, new GateBackwardRow(saved.Rows(new Site(SiteKind.PleGatePre, layer)), inputs, gate, above));
            taps.At(SiteKind.PleGatePre, layer, gate);
            AddProduct(gate, w.Gate, residual);
        }
        taps.At(SiteKind.ResidAfterMlp, layer, residual);
    }

    /// <summary>residual += gradient through the projection of the embedding, of all layers' inputs together.</summary>
    private void PerLayerInputs(MatrixView residual)
    {
        var (w, gradient) = (weights.PerLayer!, PerLayerGradient);
        taps.At(SiteKind.PleInputs, 0, gradient);
        Workers.For(tokens, new MultiplyRow(gradient, MathF.Sqrt(0.5f)));
        taps.At(SiteKind.PleProjection, 0, gradient);
        taps.At(SiteKind.PleToken, 0, gradient);
        var raw = saved.Rows(new Site(SiteKind.PleProjectionRaw));
        Workers.For(tokens, new NormHeadsBackwardRow(raw, w.Gain, config.NormEpsilon, gradient));
        taps.At(SiteKind.PleProjectionRaw, 0, gradient);
        Workers.For(tokens, new MultiplyRow(gradient, 1 / config.EmbeddingScale));
        AddProduct(gradient, w.Projection, residual);
    }

    /// <summary>residual += gradient through post_norm(attention(norm(·))); what another layer's keys and values get of it is kept for
    /// that layer.</summary>
    private void Attention(int layer, MatrixView residual)
    {
        var (w, shape) = (weights.Layers[layer], config.Shapes[layer]);
        var branch = Branch(SiteKind.AttnOut, layer, residual);
        PostNorm(w.PostAttentionGain, SiteKind.AttnOutRaw, layer, branch);
        var z = Buffer("z", config.QueryWidth(layer));
        Compute.Kernels.Multiply(branch, w.Output.Transposed, z, arithmetic);
        taps.At(SiteKind.Z, layer, z);

        var (k, v, input) = (Buffer("k", shape.KeyValueWidth), Buffer("v", shape.KeyValueWidth), Buffer("input", config.Width));
        var attention = new AttentionBackward(config, layer, saved.Rows(new Site(SiteKind.AttnPattern, layer)));
        attention.Values(z, v);
        Clear(input);
        if (mode == GradientMode.Full)
        {
            var q = Buffer("q", config.QueryWidth(layer));
            Pattern(attention, layer, z, q, k);
            Heads(q, layer, w.QueryGain, SiteKind.QRope, SiteKind.QNormed, SiteKind.Q);
            taps.At(SiteKind.Q, layer, q);
            AddProduct(q, w.Query, input);
        }
        KeysAndValues(layer, k, v, input);
        taps.At(SiteKind.AttnIn, layer, input);
        Norm(w.InputGain, SiteKind.Ln1Normalized, SiteKind.ResidPre, layer, input);
        Workers.For(tokens, new AddRow(input, residual));
    }

    /// <summary>Gradients at queries and keys through the pattern: soft-max, cap and scores.</summary>
    private void Pattern(AttentionBackward attention, int layer, MatrixView z, MatrixView q, MatrixView k)
    {
        var source = config.Shapes[layer].KeyValueSource ?? layer;
        var scores = workspace.Buffer("scores", config.Heads * tokens, tokens);
        attention.Pattern(z, saved.Rows(new Site(config.ValuesRead, source)), scores);
        taps.At(SiteKind.AttnPattern, layer, scores);
        attention.SoftMax(scores);
        taps.At(SiteKind.AttnScoresSoftcapped, layer, scores);
        if (config.AttentionCap is float cap)
            Workers.For(scores.Rows, new CapBackwardRow(saved.Rows(new Site(SiteKind.AttnScoresSoftcapped, layer)), cap, scores));
        taps.At(SiteKind.AttnScoresRaw, layer, scores);
        attention.QueriesAndKeys(scores, saved.Rows(new Site(SiteKind.QRope, layer)), saved.Rows(new Site(SiteKind.KRope, source)), q, k);
    }

    /// <summary>input += gradient through keys and values, with what later layers that read them have left; those of another layer are left
    /// for it.</summary>
    private void KeysAndValues(int layer, MatrixView k, MatrixView v, MatrixView input)
    {
        var (w, shape) = (weights.Layers[layer], config.Shapes[layer]);
        var source = shape.KeyValueSource ?? layer;
        var full = mode == GradientMode.Full;
        if (config.IsKeyValueSource(source))
        {
            var (keys, values) = SharedGradients(source);
            if (full)
                Workers.For(tokens, new AddRow(k, keys));
            Workers.For(tokens, new AddRow(v, values));
            (k, v) = (keys, values);
        }
        if (source != layer)
            return;
        if (config.HasValueNorm)
        {
            taps.At(SiteKind.VNormed, layer, v);
            Workers.For(
                tokens,
                new NormalizeHeadsBackwardRow(saved.Rows(new Site(SiteKind.V, layer)), shape.HeadSize, config.NormEpsilon, !full, v)
            );
        }
        taps.At(SiteKind.V, layer, v);
        if (full)
        {
            Heads(k, layer, w.KeyGain, SiteKind.KRope, SiteKind.KNormed, SiteKind.K);
            if (shape.ValuesAreKeys)
                Workers.For(tokens, new AddRow(v, k));
            taps.At(SiteKind.K, layer, k);
            AddProduct(k, w.Key, input);
        }
        if (!full || !shape.ValuesAreKeys)
            AddProduct(v, w.Value, input);
    }

    /// <summary>Queries or keys after RoPE → before RoPE and, but for Gemma 2, before their norm.</summary>
    private void Heads(MatrixView gradient, int layer, float[]? gain, SiteKind rotated, SiteKind normed, SiteKind projected)
    {
        taps.At(rotated, layer, gradient);
        var table = rotary.Of(layer).Rows(tokens);
        Workers.For(tokens, new RotateBackwardRow(table.AsMatrix(), config.Shapes[layer].HeadSize, gradient));
        if (gain is null)
            return;
        taps.At(normed, layer, gradient);
        Workers.For(tokens, new NormHeadsBackwardRow(saved.Rows(new Site(projected, layer)), gain, config.NormEpsilon, gradient));
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

    /// <summary>[tokens, layers · P] gradient at the inputs of all layers beside the residual.</summary>
    private MatrixView PerLayerGradient => Buffer("ple inputs", config.Layers * config.PerLayer!.Value.Width);

    /// <summary>What is known so far of the gradients at the keys and values of a layer that others read.</summary>
    private (MatrixView Keys, MatrixView Values) SharedGradients(int layer)
    {
        var width = config.Shapes[layer].KeyValueWidth;
        return (workspace.Buffer("k", tokens, width, layer + 1), workspace.Buffer("v", tokens, width, layer + 1));
    }

    private MatrixView Buffer(string name, int columns) => workspace.Buffer(name, tokens, columns);

    private static void Clear(MatrixView rows)
    {
        for (var i = 0; i < rows.Rows; i++)
            rows.Row(i).Clear();
    }
}
