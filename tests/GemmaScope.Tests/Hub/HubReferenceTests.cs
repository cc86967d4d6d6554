using FsCheck;
using FsCheck.Fluent;
using GemmaScope.Files;
using Xunit;

namespace GemmaScope.Tests.Files;

public class HubReferenceTests
{
    [Theory]
    [InlineData("google/gemma-2-2b", "google/gemma-2-2b", "main", "")]
    [InlineData("google/gemma-2-2b@v1.0", "google/gemma-2-2b", "v1.0", "")]
    [InlineData("org/name@refs/pr/7/a/b.npz", "org/name", "refs/pr/7", "a/b.npz")]
    [InlineData("org/name@feature%2Fx/a", "org/name", "feature/x", "a")]
    [InlineData(
        "google/gemma-scope-2b-pt-res/layer_20/width_16k/average_l0_71",
        "google/gemma-scope-2b-pt-res",
        "main",
        "layer_20/width_16k/average_l0_71"
    )]
    [InlineData("org/name/folder/", "org/name", "main", "folder")]
    public void a_reference_is_read_in_its_parts(string text, string repository, string revision, string path)
    {
        var reference = HubReference.Parse(text);
        Assert.Equal((repository, revision, path), (reference.Repository, reference.Revision, reference.Path));
    }

    [Theory]
    [InlineData("gemma")]
    [InlineData("")]
    [InlineData("/org/name")]
    [InlineData("./models/demo")]
    [InlineData("../x/y")]
    [InlineData("org/name/../../etc")]
    [InlineData("org/name@..")]
    [InlineData("org/name@..%2F..%2Fx")]
    [InlineData("org/name@")]
    [InlineData("org/na--me")]
    [InlineData("org/name.git")]
    [InlineData("org/-name")]
    [InlineData("org/na me")]
    [InlineData("org/name/a\\b")]
    [InlineData("C:/models/x")]
    public void what_is_no_reference_is_refused(string text)
    {
        Assert.False(HubReference.TryParse(text, out _));
        Assert.Contains(
            "org/name@revision",
            Assert.Throws<ArgumentProblemException>(() => HubReference.Parse(text)).Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void any_text_is_read_or_refused_and_what_is_read_is_printed_to_be_read_again()
    {
        var part = Gen.Elements("org", "a.b", "..", ".", "", "refs", "pr", "7", "%2F", "%40", "é", "\n", "x:y").ArrayOf();
        var texts = part.Select(p => "org/name@" + string.Join('/', p));
        Prop.ForAll(
                Arb.From(texts),
                text => !HubReference.TryParse(text, out var reference) || HubReference.Parse(reference.ToString()) == reference
            )
            .QuickCheckThrowOnFailure();
        Prop.ForAll<string>(text => HubReference.TryParse(text ?? "", out var reference) == (reference is not null))
            .QuickCheckThrowOnFailure();
    }

    [Fact]
    public void a_path_from_a_server_cannot_leave_the_repository() =>
        Assert.Throws<HubException>(() => HubReference.Parse("org/name").At("a/../../../b"));

    [Theory]
    [InlineData("org/name")]
    [InlineData("org/name@v1/a/b")]
    [InlineData("org/name@refs/pr/7/a")]
    [InlineData("org/name@feature%2Fx")]
    public void a_reference_is_printed_as_it_is_written(string text) => Assert.Equal(text, HubReference.Parse(text).ToString());

    [Fact]
    public void only_a_full_commit_hash_pins()
    {
        Assert.True(HubReference.Parse("org/name@" + FakeHub.Commit).IsPinned);
        Assert.False(HubReference.Parse("org/name@0123456").IsPinned);
    }
}
