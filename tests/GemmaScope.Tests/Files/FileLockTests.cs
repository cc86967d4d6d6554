using GemmaScope.Files;
using Xunit;

namespace GemmaScope.Tests.Files;

public sealed class FileLockTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string File => _folder.File("run.lock");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void a_second_writer_is_told_who_the_first_is()
    {
        using (Take())
            Assert.Equal(
                "out: the run is being written by another job of this process; wait for it, or stop it",
                Assert.Throws<GemmaScopeException>(Take).Message
            );
        Take().Dispose();
        Assert.Empty(Directory.EnumerateFileSystemEntries(_folder.Path));
    }

    [Fact]
    public void files_that_a_killed_process_left_behind_lock_nothing()
    {
        _folder.Write("run.lock", "");
        _folder.Write("run.lock.pid", "1");
        Take().Dispose();
    }

    [Fact]
    public void who_holds_it_is_named_by_the_number_of_its_process()
    {
        using var held = new FileStream(File, FileMode.Create, FileAccess.Write, FileShare.None);
        Assert.Contains("by another process;", Assert.Throws<GemmaScopeException>(Take).Message);
        _folder.Write("run.lock.pid", "1");
        Assert.Contains("by another process (1);", Assert.Throws<GemmaScopeException>(Take).Message);
    }

    [Fact]
    public void a_folder_that_cannot_be_made_is_named()
    {
        _folder.Write("file", "");
        Assert.StartsWith("out: cannot be written", Assert.Throws<GemmaScopeException>(() => Take("file/run.lock")).Message);
    }

    private FileLock Take() => Take("run.lock");

    private FileLock Take(string name) => FileLock.Take(_folder.File(name), "out", "the run");
}
